package dev.glora.search;

import dev.glora.experiment.SearchSpec;
import java.util.Comparator;
import java.util.Optional;

/**
 * What a strategy breeds with.
 *
 * @param space the space
 * @param limits limits on the parameters
 * @param settings the strategy's constants
 * @param seed root seed of the run
 * @param start the cut to start from, or nothing for a random start
 */
record Breeding(
    SearchSpace space, Limits limits, SearchSpec settings, long seed, Optional<Structure> start) {
  /** The order of results, best first. */
  Comparator<Result> order() {
    return Result.order(space, limits.count(), settings);
  }
}
