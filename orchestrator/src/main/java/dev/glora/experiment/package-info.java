/**
 * Experiments: the YAML file, its schema, overrides, and the plan that turns one experiment into
 * runs (method × seed), each with a key that changes exactly when its result may change.
 *
 * <p>May use {@code dev.glora} alone.
 */
package dev.glora.experiment;
