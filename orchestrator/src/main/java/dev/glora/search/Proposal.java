package dev.glora.search;

/**
 * A structure that a strategy wants evaluated.
 *
 * @param structure the structure
 * @param origin where it comes from: {@code random}, {@code taylor}, {@code largest}, {@code swap},
 *     {@code mutation}, {@code crossover}, {@code offspring} (both) or {@code policy}
 */
public record Proposal(Structure structure, String origin) {}
