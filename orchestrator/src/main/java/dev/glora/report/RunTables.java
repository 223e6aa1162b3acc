package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Lists of runs for a terminal. */
public final class RunTables {
  private RunTables() {}

  /**
   * Lists runs.
   *
   * @param runs an array of objects with {@code run}, {@code status}, {@code val_accuracy}, {@code
   *     test_accuracy} and {@code changed}
   * @return a table
   */
  public static String list(JsonNode runs) {
    TextTable table = new TextTable(2, "run", "status", "val acc", "test acc", "changed");
    for (JsonNode run : runs) {
      table.row(
          List.of(
              run.path("run").asText(),
              run.path("status").asText(),
              Numbers.percent(run.path("val_accuracy")),
              Numbers.percent(run.path("test_accuracy")),
              seconds(run)));
    }
    return table.text();
  }

  /**
   * Says what is not finished.
   *
   * @param counts runs by status
   * @param open the runs that are not finished, with {@code stage} beside what {@link #list} reads
   * @return several lines
   */
  public static String status(Map<String, Integer> counts, JsonNode open) {
    if (counts.isEmpty()) {
      return "There are no runs yet; glora run FILE makes some.\n";
    }
    List<String> parts = new ArrayList<>();
    counts.forEach((status, n) -> parts.add(n + " " + status));
    StringBuilder out = new StringBuilder(String.join(", ", parts)).append('\n');
    if (!open.isEmpty()) {
      TextTable table = new TextTable(5, "run", "status", "stage", "changed", "reason");
      for (JsonNode run : open) {
        table.row(
            List.of(
                run.path("run").asText(),
                run.path("status").asText(),
                run.path("stage").asText(Numbers.NONE),
                seconds(run),
                run.path("reason").asText()));
      }
      out.append('\n').append(table.text());
      out.append("\nglora resume RUN goes on with one of them.\n");
    }
    return out.toString();
  }

  private static String seconds(JsonNode run) {
    return run.path("changed").asText().replaceAll("\\.\\d+Z$", "Z");
  }
}
