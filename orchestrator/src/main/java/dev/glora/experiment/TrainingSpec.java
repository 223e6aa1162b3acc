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
    int checkpointEvery) {}
