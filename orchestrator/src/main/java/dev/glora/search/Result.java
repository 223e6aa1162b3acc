package dev.glora.search;

import dev.glora.experiment.SearchSpec;
import java.util.Comparator;

/**
 * What an evaluation of a structure on val gave.
 *
 * @param structure the structure
 * @param accuracy share of right predictions
 * @param loss mean cross-entropy
 * @param complete false where the evaluation was stopped before its last row, or failed: then the
 *     numbers are of the rows seen, and the structure never wins and never becomes a parent before
 *     a complete one
 */
public record Result(Structure structure, double accuracy, double loss, boolean complete) {
  /**
   * A complete result.
   *
   * @param structure the structure
   * @param accuracy share of right predictions
   * @param loss mean cross-entropy
   */
  public Result(Structure structure, double accuracy, double loss) {
    this(structure, accuracy, loss, true);
  }

  /**
   * The order of results, best first.
   *
   * @param space the space
   * @param count how parameters are counted
   * @param settings whose fitness is {@code accuracy} or {@code loss}
   * @return complete ones first, then by fitness, then val accuracy, val loss and parameters; a
   *     loss that is no number is last
   */
  static Comparator<Result> order(SearchSpace space, ParameterCount count, SearchSpec settings) {
    Comparator<Result> accuracy = Comparator.comparingDouble(Result::accuracy).reversed();
    Comparator<Result> loss = Comparator.comparingDouble(Result::loss);
    Comparator<Result> byFitness =
        settings.fitness().equals("loss")
            ? loss.thenComparing(accuracy)
            : accuracy.thenComparing(loss);
    return Comparator.comparing(Result::complete)
        .reversed()
        .thenComparing(byFitness)
        .thenComparingLong(result -> space.count(result.structure(), count));
  }
}
