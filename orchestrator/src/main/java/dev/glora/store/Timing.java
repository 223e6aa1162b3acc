package dev.glora.store;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * How long a finished run took.
 *
 * @param run the run
 * @param resolved its resolved configuration
 * @param stages seconds by stage
 */
public record Timing(String run, JsonNode resolved, JsonNode stages) {}
