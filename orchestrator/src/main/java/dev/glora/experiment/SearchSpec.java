package dev.glora.experiment;

/**
 * The search for a structure under the parameter limit.
 *
 * @param strategy {@code evolution} as published, or {@code none}: the start's structure is taken
 * @param start {@code random} as published, or {@code taylor}: the largest structure cut down to
 *     the limit by a first-order score, and swaps around it
 * @param swaps greatest number of exchanges that make one individual of a taylor start from the cut
 * @param scoreBatches train batches over which the score is summed
 * @param population structures of a generation
 * @param generations generations bred after the first population; the last one counts
 * @param parents how many of the best breed
 * @param mutations children of a generation by mutation
 * @param crossovers children of a generation by crossover
 * @param mutationProbability probability that a gene mutates
 * @param fitness {@code accuracy} on val as published, or {@code loss}
 */
public record SearchSpec(
    String strategy,
    String start,
    int swaps,
    int scoreBatches,
    int population,
    int generations,
    int parents,
    int mutations,
    int crossovers,
    double mutationProbability,
    String fitness) {}
