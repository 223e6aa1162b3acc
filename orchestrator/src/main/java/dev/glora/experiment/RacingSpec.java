package dev.glora.experiment;

/**
 * When the evaluation of a structure is stopped before its last row.
 *
 * @param test {@code none}, or {@code paired}: by a paired test
 * @param level probability that a structure no worse than its rival is stopped
 * @param leastRows rows seen before the first look
 */
public record RacingSpec(String test, double level, int leastRows) {}
