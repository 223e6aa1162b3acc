package dev.glora.api;

/**
 * Which runs to list.
 *
 * @param experiment name of their experiment, or null for all
 * @param status where they stand, in lower case, or null for all; {@code interrupted} includes
 *     those whose process was killed
 * @param limit at most so many, the newest; 0 for all
 * @param offset so many of the newest are left out
 */
public record RunFilter(String experiment, String status, int limit, int offset) {
  /** All runs. */
  public static final RunFilter ALL = new RunFilter(null, null, 0, 0);
}
