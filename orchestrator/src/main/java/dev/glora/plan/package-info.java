/**
 * What a plan asks for beside what the store has: which runs are done, to do or to be done again,
 * why, and how long they may take.
 *
 * <p>May use {@code dev.glora}, {@code dev.glora.experiment} and {@code dev.glora.store}. Not a
 * part of the code that a run's key digests.
 */
package dev.glora.plan;
