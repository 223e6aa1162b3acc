package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The search for a structure under the parameter limit.
 *
 * @param strategy the published evolution, {@code nsga2}, {@code regularized-evolution}, {@code
 *     random}, {@code policy}, or {@code none}: the start's structure is taken
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
 * @param swapProbability probability that a gene of a crossover's child is the second parent's
 * @param attempts attempts for each child that is wanted
 * @param overLimit {@code repair} a child outside the limits, or {@code drop} it as published
 * @param crossoverProbability NSGA-II: probability that an individual takes part in a crossover
 * @param children regularised evolution: structures of a generation after the first
 * @param tournament regularised evolution: structures among which a parent is the best
 * @param mutatedGenes regularised evolution: genes that a mutation changes
 * @param evaluation how a structure is evaluated
 * @param racing when an evaluation is stopped early
 * @param fitness {@code accuracy} on val as published, or {@code loss}
 * @param shuffled whether each structure of a generation is told another one's results, drawn at
 *     random: a search that learns nothing
 * @param policy the Python file of the strategy {@code policy}, or null
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
    double swapProbability,
    int attempts,
    String overLimit,
    double crossoverProbability,
    int children,
    int tournament,
    int mutatedGenes,
    EvaluationSpec evaluation,
    RacingSpec racing,
    String fitness,
    boolean shuffled,
    PolicySpec policy) {

  /**
   * Reads a search block in which what is left out has its default.
   *
   * @param given an object that keeps the schema of {@code search}
   * @return the settings
   */
  public static SearchSpec of(JsonNode given) {
    JsonNode all = Defaults.fill(given, ExperimentSchema.definition("search"));
    return new SearchSpec(
        all.get("strategy").textValue(),
        all.get("start").textValue(),
        all.get("swaps").intValue(),
        all.get("score_batches").intValue(),
        all.get("population").intValue(),
        all.get("generations").intValue(),
        all.get("parents").intValue(),
        all.get("mutations").intValue(),
        all.get("crossovers").intValue(),
        all.get("mutation_probability").doubleValue(),
        all.get("swap_probability").doubleValue(),
        all.get("attempts").intValue(),
        all.get("over_limit").textValue(),
        all.get("crossover_probability").doubleValue(),
        all.get("children").intValue(),
        all.get("tournament").intValue(),
        all.get("mutated_genes").intValue(),
        new EvaluationSpec(
            all.get("evaluation").get("forward").textValue(),
            all.get("evaluation").get("cache_mib").intValue()),
        new RacingSpec(
            all.get("racing").get("test").textValue(),
            all.get("racing").get("level").doubleValue(),
            all.get("racing").get("least_rows").intValue()),
        all.get("fitness").textValue(),
        all.path("shuffled").booleanValue(),
        all.has("policy") ? PolicySpec.of(all.get("policy")) : null);
  }
}
