package dev.glora.train;

/**
 * Entries of an opened model.
 *
 * @param trainable everything that training may move
 * @param adapter {@code trainable} without the head
 * @param head of the fresh classifier
 * @param total of the whole model
 */
public record ParameterTotals(long trainable, long adapter, long head, long total) {}
