/**
 * The store of runs: one SQLite database in the runs' folder, written by one process at a time per
 * transaction, readable while a run goes on.
 *
 * <p>May use {@code dev.glora} and {@code dev.glora.experiment}.
 */
package dev.glora.store;
