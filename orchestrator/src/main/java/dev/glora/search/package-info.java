/**
 * The space of structures, their parameter counts, and the search for one under a limit.
 *
 * <p>Everything here is arithmetic on small arrays of codes: no model, no data, no clock. A
 * strategy asks for whole generations and is told their results; its proposals are a function of
 * the seed, the generation and the results told, so telling it stored results again resumes it
 * exactly.
 *
 * <p>May use {@code dev.glora}, {@code dev.glora.experiment} and {@link dev.glora.data.Derived}.
 */
package dev.glora.search;
