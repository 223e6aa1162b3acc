package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A search policy: a Python file that is asked for structures and told of results.
 *
 * @param file its name in messages
 * @param source its text, which is part of a run's key
 * @param timeLimit seconds that one call of it may take
 * @param memory MiB that the heap of its process may grow to
 */
public record PolicySpec(String file, String source, double timeLimit, long memory) {

  static PolicySpec of(JsonNode all) {
    return new PolicySpec(
        all.get("file").textValue(),
        all.path("source").asText(),
        all.get("time_limit").doubleValue(),
        all.get("memory").longValue());
  }
}
