package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A value that a matrix gave to one of its variants.
 *
 * @param key the key as the matrix names it, such as {@code task.domain}
 * @param pointer where it stands, as a JSON pointer
 * @param value the value
 */
public record Setting(String key, String pointer, JsonNode value) {}
