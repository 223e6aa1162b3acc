package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What a table reads of a final: a metric of a split, or of a benchmark that the merged model
 * answered.
 *
 * @param split {@code val}, {@code test}, {@code test-NAME} or {@link #EVALUATE}
 * @param benchmark name of the benchmark, or null for a split's metric
 * @param metric name of the metric
 */
record Measure(String split, String benchmark, String metric) {
  /** In the place of a split: the experiment's benchmarks. */
  static final String EVALUATE = "evaluate";

  /** What papers report of a benchmark, the first that it has. */
  private static final List<String> USUAL = List.of("mc2", "acc_norm", "acc", "exact_match");

  /**
   * Lists what is to be read.
   *
   * @param runs documents of runs of one configuration, see {@link RunDocument}
   * @param split a split, or {@link #EVALUATE}
   * @param metric name of the metric; {@code accuracy} of benchmarks is what papers report of each
   * @return one of a split, else one a benchmark, in the experiment's order
   */
  static List<Measure> of(List<JsonNode> runs, String split, String metric) {
    if (!split.equals(EVALUATE)) {
      return List.of(new Measure(split, null, metric));
    }
    List<Measure> measures = new ArrayList<>();
    for (JsonNode each : runs.get(0).path("configuration").path(EVALUATE)) {
      String name = each.path("name").asText();
      List<String> wanted = metric.equals("accuracy") ? USUAL : List.of(metric);
      wanted.stream()
          .map(one -> new Measure(split, name, one))
          .filter(one -> runs.stream().anyMatch(one::anyFinal))
          .findFirst()
          .ifPresent(measures::add);
    }
    return measures;
  }

  private boolean anyFinal(JsonNode run) {
    for (JsonNode last : run.path("finals")) {
      if (of(last).isNumber()) {
        return true;
      }
    }
    return false;
  }

  /** The value in a final's record. */
  JsonNode of(JsonNode last) {
    JsonNode values = last.path("metrics").path(split);
    return values.path(benchmark == null ? metric : benchmark + "." + metric);
  }

  /**
   * Whether a published value is about it in a run. Of a benchmark the value's task is its name,
   * and its method is followed by a dash and what the model was trained on.
   */
  boolean isOf(PublishedValue value, JsonNode run) {
    String task = run.path("task").asText();
    String trained = benchmark == null ? "" : "-" + task;
    return value.split().equals(split)
        && value.metric().equals(metric)
        && value.isAbout(
            benchmark == null ? task : benchmark,
            run.path("method").asText() + trained,
            run.path("label").asText() + trained,
            run.path("configuration").path("model").path("source").asText());
  }
}
