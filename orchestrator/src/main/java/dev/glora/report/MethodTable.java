package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Methods side by side, over the seeds they were run with. */
final class MethodTable {
  /** Stages that every method has or that belong to a final: not part of the shared seconds. */
  private static final Set<String> NOT_TRAINING = Set.of("download", "prepare", "report");

  static final String NOTE =
      "Accuracy on val and test in per cent (of a number the root mean squared error, and Pearson's"
          + " correlation on test in per cent), mean ± standard deviation over the seeds. Adapter"
          + " parameters without the head: as trained and stored, and with C, D and E folded into"
          + " one bias. Seconds of training, search and the final itself, without download,"
          + " preparation, merging and test; MiB at their peak. An asterisk marks the primary"
          + " final, declared before test was opened.";

  /** Column of the F1 score. */
  private static final int F1 = 5;

  private MethodTable() {}

  /**
   * Makes the table.
   *
   * @param runs documents of finished runs, see {@link RunDocument}
   */
  static TextTable of(List<JsonNode> runs) {
    TextTable table =
        new TextTable(
            2,
            "method",
            "final",
            "seeds",
            error(runs) ? "val RMSE" : "val acc",
            error(runs) ? "test RMSE" : "test acc",
            error(runs) ? "test r" : "test F1",
            "trainable",
            "adapter",
            "folded",
            "seconds",
            "peak MiB");
    rows(runs).forEach(table::row);
    return table;
  }

  /**
   * Makes the table for a terminal: without F1, and one seed of it fits into 80 columns.
   *
   * @param runs documents of finished runs, see {@link RunDocument}
   */
  static TextTable narrow(List<JsonNode> runs) {
    TextTable table =
        new TextTable(
            2,
            "method",
            "final",
            "seeds",
            "val",
            "test",
            "trainable",
            "adapter",
            "folded",
            "seconds",
            "MiB");
    for (List<String> row : rows(runs)) {
      List<String> cells = new ArrayList<>(row);
      cells.remove(F1);
      table.row(cells);
    }
    return table;
  }

  private static List<List<String>> rows(List<JsonNode> runs) {
    List<List<String>> rows = new ArrayList<>();
    Map<String, List<Entry>> groups = new LinkedHashMap<>();
    for (JsonNode run : runs) {
      for (JsonNode last : run.path("finals")) {
        String key = label(run) + "\n" + last.path("mode").asText();
        groups.computeIfAbsent(key, unused -> new ArrayList<>()).add(new Entry(run, last));
      }
    }
    for (List<Entry> group : groups.values()) {
      Entry first = group.get(0);
      String mode = first.last.path("mode").asText();
      boolean several = first.run.path("finals").size() > 1;
      rows.add(
          List.of(
              label(first.run),
              mode.equals("train")
                  ? ""
                  : mode + (several && first.last.path("primary").asBoolean() ? " *" : ""),
              String.valueOf(group.size()),
              headline(group, "val"),
              headline(group, "test"),
              Numbers.percent(values(group, e -> metric(e, "test", second(e.last)))),
              Numbers.counts(values(group, e -> parameter(e, "trainable"))),
              Numbers.counts(values(group, e -> parameter(e, "stored"))),
              Numbers.counts(values(group, e -> parameter(e, "folded"))),
              Numbers.whole(values(group, MethodTable::seconds)),
              Numbers.whole(values(group, MethodTable::peak))));
    }
    return rows;
  }

  /** Whether no run has an accuracy: then all are about numbers. */
  private static boolean error(List<JsonNode> runs) {
    return !runs.isEmpty() && runs.stream().allMatch(run -> error(run.path("finals").path(0)));
  }

  private static boolean error(JsonNode last) {
    return last.path("metrics").path("val").has("rmse");
  }

  private static String headline(List<Entry> group, String split) {
    return error(group.get(0).last)
        ? Numbers.meanAndDeviation(values(group, e -> metric(e, split, "rmse")), 4)
        : Numbers.percent(values(group, e -> metric(e, split, "accuracy")));
  }

  private static String second(JsonNode last) {
    return error(last) ? "pearson" : "macro_f1";
  }

  /** What tells a run from others but for its seed: the method, and the variant of a matrix. */
  static String label(JsonNode run) {
    String variant = run.path("variant").asText();
    return run.path("label").asText() + (variant.isEmpty() ? "" : " (" + variant + ")");
  }

  private record Entry(JsonNode run, JsonNode last) {}

  private static List<Double> values(List<Entry> group, Function<Entry, Double> read) {
    List<Double> out = new ArrayList<>();
    for (Entry entry : group) {
      Double value = read.apply(entry);
      if (value != null) {
        out.add(value);
      }
    }
    return out;
  }

  private static Double metric(Entry entry, String split, String name) {
    return number(entry.last.path("metrics").path(split).path(name));
  }

  private static Double parameter(Entry entry, String name) {
    Double own = number(entry.last.path("parameters").path(name));
    return own != null ? own : number(entry.run.path("parameters").path(name));
  }

  private static Double seconds(Entry entry) {
    double sum = 0;
    boolean any = false;
    for (Map.Entry<String, JsonNode> stage : entry.run.path("timings").properties()) {
      if (counts(stage.getKey(), entry.last.path("mode").asText())) {
        sum += stage.getValue().asDouble();
        any = true;
      }
    }
    return any ? sum : null;
  }

  private static Double peak(Entry entry) {
    double most = 0;
    for (Map.Entry<String, JsonNode> stage : entry.run.path("memory").properties()) {
      if (counts(stage.getKey(), entry.last.path("mode").asText())) {
        most = Math.max(most, stage.getValue().asDouble());
      }
    }
    return most > 0 ? most : null;
  }

  /** Stages of a final are named {@code final:inherit}; the others serve all finals. */
  private static boolean counts(String stage, String mode) {
    int colon = stage.indexOf(':');
    return colon < 0 ? !NOT_TRAINING.contains(stage) : stage.equals("final:" + mode);
  }

  private static Double number(JsonNode node) {
    return node.isNumber() ? node.doubleValue() : null;
  }
}
