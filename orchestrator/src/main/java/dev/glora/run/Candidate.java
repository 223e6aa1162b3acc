package dev.glora.run;

import dev.glora.search.Proposal;
import dev.glora.search.RowScores;
import dev.glora.search.Structure;
import java.util.Optional;

/**
 * One structure to evaluate.
 *
 * @param proposal the structure, and where it comes from
 * @param generation number of its generation from 0
 * @param index its place in the generation from 0
 * @param cacheKey digest of all that its evaluation depends on
 * @param raceKey digest of its race, or an empty string
 * @param rival the rows of the structure that it is raced against, if it is
 */
record Candidate(
    Proposal proposal,
    int generation,
    int index,
    String cacheKey,
    String raceKey,
    Optional<RowScores> rival) {
  Structure structure() {
    return proposal.structure();
  }
}
