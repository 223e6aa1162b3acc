package dev.glora.search;

/**
 * What an evaluation of a structure on val gave.
 *
 * @param structure the structure
 * @param accuracy share of right predictions
 * @param loss mean cross-entropy
 */
public record Result(Structure structure, double accuracy, double loss) {}
