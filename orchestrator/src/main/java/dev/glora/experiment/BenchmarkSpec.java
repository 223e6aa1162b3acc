package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Questions that a merged language model answers after test.
 *
 * @param name under which the results stand
 * @param format {@code arc}, {@code hellaswag}, {@code mmlu}, {@code truthfulqa} or {@code lm-eval}
 * @param source where the questions come from
 * @param shots examples before each question
 * @param examples where those come from, or null
 * @param limit greatest number of questions, 0 for all
 */
public record BenchmarkSpec(
    String name, String format, String source, int shots, String examples, int limit) {
  static BenchmarkSpec of(JsonNode node) {
    return new BenchmarkSpec(
        node.get("name").textValue(),
        node.get("format").textValue(),
        node.get("source").textValue(),
        node.path("shots").asInt(0),
        node.path("examples").textValue(),
        node.path("limit").asInt(0));
  }
}
