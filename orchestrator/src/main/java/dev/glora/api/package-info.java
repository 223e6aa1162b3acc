/**
 * Everything that the command line does, for programs in Java: {@link dev.glora.api.Glora}.
 *
 * <p>May use every package but {@code dev.glora.cli}, which in turn uses nothing of glora but this
 * one, what its methods take, and {@code dev.glora}.
 */
package dev.glora.api;
