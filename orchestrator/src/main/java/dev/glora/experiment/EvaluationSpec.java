package dev.glora.experiment;

/**
 * How a structure is evaluated on val.
 *
 * @param forward {@code merged}: folded into scratch weights, {@code unmerged}, or {@code auto}: by
 *     the shape of each site
 * @param cacheMib greatest memory in MiB of what structures of a generation share
 */
public record EvaluationSpec(String forward, int cacheMib) {}
