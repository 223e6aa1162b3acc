/**
 * Files that are whole or absent, and their digests.
 *
 * <p>May use {@code dev.glora} alone.
 */
package dev.glora.files;
