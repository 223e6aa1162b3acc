package dev.glora.experiment;

/**
 * Where and how PyTorch computes.
 *
 * @param device torch device, {@code cpu}
 * @param threads threads of one torch operation
 * @param dtype type of weights and activations, {@code float32}
 */
public record RuntimeSpec(String device, int threads, String dtype) {}
