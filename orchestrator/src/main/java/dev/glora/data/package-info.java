/**
 * Prepared data: memory-mapped splits, the order of batches, and the filling of buffers.
 *
 * <p>A prepared set is made once by the Python runtime and only read here. Train and val come from
 * {@link dev.glora.data.PreparedSet}; test comes from {@link dev.glora.data.SealedTest} alone,
 * which the search and the training cannot name (an architecture test holds this).
 *
 * <p>May use {@code dev.glora} and the bridge's tensors.
 */
package dev.glora.data;
