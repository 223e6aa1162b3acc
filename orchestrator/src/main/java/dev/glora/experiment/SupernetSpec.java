package dev.glora.experiment;

/**
 * The training of the super-network.
 *
 * @param training settings of its training loop
 * @param sampling how the structure of a step is drawn
 */
public record SupernetSpec(TrainingSpec training, SamplingSpec sampling) {}
