package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every metric of a run's finals, why one is not defined, and each class of the primary final. */
final class MetricTables {
  /** With more classes the table would be the report; all are in {@code glora show --json}. */
  private static final int MOST_CLASSES = 50;

  private final JsonNode run;

  MetricTables(JsonNode run) {
    this.run = run;
  }

  String markdown() {
    TextTable table = new TextTable(2, "final", "metric", "val", "test");
    Map<String, String> reasons = new LinkedHashMap<>();
    for (JsonNode last : run.path("finals")) {
      for (String name : names(last)) {
        table.row(
            List.of(
                last.path("mode").asText(),
                name,
                Numbers.fixed(last.path("metrics").path("val").path(name), 4),
                Numbers.fixed(last.path("metrics").path("test").path(name), 4)));
      }
      for (String split : new String[] {"val", "test"}) {
        for (var reason : last.path("undefined").path(split).properties()) {
          reasons.put(reason.getKey() + " on " + split, reason.getValue().asText());
        }
      }
    }
    StringBuilder out = new StringBuilder(table.markdown());
    TextTable further = further();
    if (!further.isEmpty()) {
      out.append('\n').append(further.markdown());
    }
    reasons.forEach(
        (what, reason) ->
            out.append("\nNot defined: ").append(what).append(": ").append(reason).append(".\n"));
    JsonNode classes = run.path("per_class").path("test");
    if (!classes.isEmpty() && classes.size() <= MOST_CLASSES) {
      out.append("\nEach class on test, by the primary final:\n\n")
          .append(classes(classes).markdown());
    }
    return out.toString();
  }

  /** What was measured beside val and test: further test sets, and benchmarks. */
  TextTable further() {
    TextTable table = new TextTable(3, "final", "measured on", "metric", "value");
    for (JsonNode last : run.path("finals")) {
      for (var split : last.path("metrics").properties()) {
        if (!split.getKey().equals("val") && !split.getKey().equals("test")) {
          for (var metric : split.getValue().properties()) {
            table.row(
                List.of(
                    last.path("mode").asText(),
                    split.getKey(),
                    metric.getKey(),
                    metric.getKey().endsWith(".rows")
                        ? Numbers.count(metric.getValue())
                        : Numbers.fixed(metric.getValue(), 4)));
          }
        }
      }
    }
    return table;
  }

  private static List<String> names(JsonNode last) {
    List<String> names = new ArrayList<>();
    last.path("metrics").path("val").fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static TextTable classes(JsonNode classes) {
    TextTable table =
        new TextTable(1, "class", "rows", "predicted", "precision", "recall", "F1", "AUROC");
    for (JsonNode each : classes) {
      table.row(
          List.of(
              each.path("class").asText().replace("|", "\\|"),
              Numbers.count(each.path("rows")),
              Numbers.count(each.path("predicted")),
              Numbers.fixed(each.path("precision"), 3),
              Numbers.fixed(each.path("recall"), 3),
              Numbers.fixed(each.path("f1"), 3),
              Numbers.fixed(each.path("auroc"), 3)));
    }
    return table;
  }
}
