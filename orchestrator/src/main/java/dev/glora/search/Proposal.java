package dev.glora.search;

/**
 * A structure that a strategy wants evaluated.
 *
 * @param structure the structure
 * @param origin where it comes from: {@code random}, {@code taylor}, {@code swap}, {@code mutation}
 *     or {@code crossover}
 */
public record Proposal(Structure structure, String origin) {}
