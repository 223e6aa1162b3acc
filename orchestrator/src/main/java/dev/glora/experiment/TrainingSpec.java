package dev.glora.experiment;

/**
 * One training loop: AdamW, a linear warm-up and a cosine down to the final rate.
 *
 * @param steps optimiser steps
 * @param batchSize rows of a step
 * @param evalBatchSize rows of an evaluation's batch
 * @param learningRate highest learning rate
 * @param warmupSteps steps over which the rate rises from zero
 * @param finalLearningRate rate of the last step
 * @param weightDecay decoupled weight decay
 * @param clipNorm greatest norm of the gradient, 0 for no clipping
 * @param dropout probability of dropout in the body
 * @param checkpointEvery steps between two checkpoints
 * @param accumulate micro-batches that a batch is cut into, their gradients summed
 * @param gradientCheckpointing whether activations are computed again for the backward pass
 */
public record TrainingSpec(
    int steps,
    int batchSize,
    int evalBatchSize,
    double learningRate,
    int warmupSteps,
    double finalLearningRate,
    double weightDecay,
    double clipNorm,
    double dropout,
    int checkpointEvery,
    int accumulate,
    boolean gradientCheckpointing) {

  /**
   * The same with another number of steps.
   *
   * @param steps optimiser steps
   * @return a copy
   */
  public TrainingSpec withSteps(int steps) {
    return with(steps, learningRate);
  }

  /**
   * The same with another highest learning rate.
   *
   * @param rate highest learning rate
   * @return a copy
   */
  public TrainingSpec withLearningRate(double rate) {
    return with(steps, rate);
  }

  private TrainingSpec with(int newSteps, double newRate) {
    return new TrainingSpec(
        newSteps,
        batchSize,
        evalBatchSize,
        newRate,
        warmupSteps,
        finalLearningRate,
        weightDecay,
        clipNorm,
        dropout,
        checkpointEvery,
        accumulate,
        gradientCheckpointing);
  }
}
