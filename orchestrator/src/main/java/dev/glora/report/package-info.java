/**
 * What runs gave, for people (terminal, Markdown) and programs (JSON). Everything comes from the
 * store; nothing is computed anew and no result is chosen.
 *
 * <p>May use {@code dev.glora}, {@code dev.glora.experiment} and {@code dev.glora.store}.
 */
package dev.glora.report;
