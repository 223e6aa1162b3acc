package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.glora.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The mean of each configuration over the benchmarks that its model answered. */
final class BenchmarkMeans {
  private BenchmarkMeans() {}

  /**
   * Averages the rows of a table.
   *
   * @param rows rows of {@link ResultTable#json}
   * @return for each task, label and final with two benchmarks or more: {@code task}, {@code
   *     label}, {@code final}, {@code benchmarks} (their names) and {@code mean}
   */
  static ArrayNode of(JsonNode rows) {
    Map<List<String>, Map<String, Double>> means = new LinkedHashMap<>();
    for (JsonNode row : rows) {
      if (row.has("benchmark")) {
        // A benchmark with several published values has several rows, and counts once.
        means
            .computeIfAbsent(
                List.of(
                    row.path("task").asText(),
                    row.path("label").asText(),
                    row.path("final").asText()),
                key -> new LinkedHashMap<>())
            .put(row.path("benchmark").asText(), row.path("mean").doubleValue());
      }
    }
    ArrayNode all = Json.array();
    means.forEach(
        (key, values) -> {
          if (values.size() > 1) {
            var line = all.addObject().put("task", key.get(0)).put("label", key.get(1));
            line.put("final", key.get(2));
            values.keySet().forEach(line.putArray("benchmarks")::add);
            line.put("mean", Numbers.mean(new ArrayList<>(values.values())));
          }
        });
    return all;
  }

  /**
   * Words a line of {@link #of}.
   *
   * @param line the mean of a configuration
   * @return a sentence
   */
  static String sentence(JsonNode line) {
    String mode = line.path("final").asText();
    return line.path("label").asText()
        + (mode.equals("train") ? "" : " " + mode)
        + " on "
        + line.path("task").asText()
        + ": mean of the "
        + line.path("benchmarks").size()
        + " benchmarks "
        + Numbers.fixed(line.path("mean"), 1)
        + ".";
  }
}
