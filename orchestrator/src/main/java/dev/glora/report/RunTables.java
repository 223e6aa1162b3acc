package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.plan.Estimate;
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

  /**
   * Shows a plan.
   *
   * @param plan what {@link dev.glora.plan.RunPlan#document} makes
   * @return several lines
   */
  public static String plan(JsonNode plan) {
    TextTable table = new TextTable(5, "run", "state", "time", "why", "variant");
    for (JsonNode run : plan.path("runs")) {
      boolean done = run.path("state").asText().equals("done");
      table.row(
          List.of(
              run.path("run").asText(),
              run.path("state").asText(),
              done ? Numbers.NONE : run.path("estimate").asText(),
              run.path("reason").asText() + (done ? "" : "; " + run.path("basis").asText()),
              run.path("variant").asText()));
    }
    List<String> parts = new ArrayList<>();
    plan.path("counts")
        .properties()
        .forEach(count -> parts.add(count.getValue().asText() + " " + count.getKey()));
    int unknown = plan.path("unknown").asInt();
    return table.text()
        + "\n"
        + plan.path("runs").size()
        + " runs: "
        + String.join(", ", parts)
        + ". Time left: "
        + (unknown == plan.path("runs").size()
            ? "unknown."
            : Estimate.words(plan.path("seconds").asDouble())
                + (unknown == 0 ? "." : ", and that of " + unknown + " runs, which is unknown."))
        + "\n";
  }

  private static String seconds(JsonNode run) {
    return run.path("changed").asText().replaceAll("\\.\\d+Z$", "Z");
  }
}
