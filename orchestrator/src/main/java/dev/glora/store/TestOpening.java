package dev.glora.store;

import java.time.Instant;

/**
 * One opening of the test split.
 *
 * @param id number of the opening in its store
 * @param run the run that opened it
 * @param mode the final it was opened for
 * @param when the moment before the first row was read
 */
public record TestOpening(long id, String run, String mode, Instant when) {}
