package dev.glora.experiment;

/**
 * A further test set of a task.
 *
 * @param name its name in results
 * @param source source string of its data, or null for the task's
 * @param domain which of the source's domains, or null for the name
 */
public record TestSpec(String name, String source, String domain) {}
