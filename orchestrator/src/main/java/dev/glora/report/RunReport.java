package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One run for people: in short on a terminal, in full as Markdown. */
public final class RunReport {
  private final JsonNode run;
  private final StructureTable structure;

  /**
   * Reports a run.
   *
   * @param run its document, see {@link RunDocument}
   */
  public RunReport(JsonNode run) {
    this.run = run;
    this.structure = new StructureTable(run.path("structure"));
  }

  /**
   * Writes for a terminal.
   *
   * @return several lines
   */
  public String text() {
    StringBuilder out = new StringBuilder();
    facts()
        .forEach(
            (name, value) ->
                out.append(pad(name)).append(Words.wrap(value, pad(name).length())).append('\n'));
    TextTable methods = MethodTable.narrow(List.of(run));
    if (!methods.isEmpty()) {
      out.append('\n').append(methods.text());
      TextTable further = new MetricTables(run).further();
      if (!further.isEmpty()) {
        out.append('\n').append(further.text());
      }
      out.append('\n').append(merge().text());
    }
    if (!structure.isEmpty()) {
      out.append('\n').append(structure.table().text());
      out.append(Words.wrap(structure.summary(), 0)).append('\n');
    }
    return out.toString();
  }

  /**
   * Writes Markdown.
   *
   * @return the contents of {@code report.md}
   */
  public String markdown() {
    StringBuilder out = new StringBuilder();
    out.append("# ").append(run.path("run").asText()).append("\n\n");
    facts()
        .forEach(
            (name, value) -> out.append("- ").append(name).append(": ").append(value).append('\n'));
    TextTable methods = MethodTable.of(List.of(run));
    if (!methods.isEmpty()) {
      out.append("\n## Results\n\n").append(methods.markdown()).append('\n');
      out.append(MethodTable.NOTE).append('\n');
      out.append("\n## Metrics\n\n").append(new MetricTables(run).markdown());
      out.append("\n## Merge check, on the whole val split\n\n").append(merge().markdown());
    }
    if (!structure.isEmpty()) {
      out.append("\n## Structure\n\n");
      if (!structure.commonPrefix().isEmpty()) {
        out.append("Sites below `").append(structure.commonPrefix()).append("`. ");
      }
      out.append(structure.summary()).append("\n\n").append(structure.table().markdown());
    }
    out.append("\n## Stages\n\n").append(stages().markdown());
    out.append("\n## Digests\n\n");
    for (JsonNode last : run.path("finals")) {
      last.path("digests")
          .properties()
          .forEach(
              entry ->
                  out.append("- ")
                      .append(last.path("mode").asText())
                      .append(", ")
                      .append(entry.getKey())
                      .append(": `")
                      .append(entry.getValue().asText())
                      .append("`\n"));
    }
    out.append("- key of the run: `").append(run.path("key").asText()).append("`\n");
    return out.toString();
  }

  private Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("run", run.path("run").asText());
    String reason = run.path("reason").asText();
    facts.put("status", run.path("status").asText() + (reason.isEmpty() ? "" : ": " + reason));
    facts.put("experiment", run.path("experiment").asText());
    facts.put("task", run.path("task").asText());
    facts.put("method", run.path("label").asText() + ", seed " + run.path("seed").asText());
    JsonNode rows = run.path("data").path("rows");
    if (rows.isObject()) {
      facts.put(
          "data",
          Numbers.count(rows.path("train"))
              + " train, "
              + Numbers.count(rows.path("val"))
              + " val, "
              + Numbers.count(rows.path("test"))
              + " test");
    }
    JsonNode search = run.path("search");
    if (!search.isEmpty()) {
      facts.put("search", search(search));
    }
    String attempts = attempts();
    if (!attempts.isEmpty()) {
      facts.put("attempts", attempts);
    }
    facts.put("test split", openings());
    facts.put("folder", run.path("folder").asText());
    return facts;
  }

  private String search(JsonNode search) {
    List<String> parts = new ArrayList<>();
    JsonNode settings = run.path("configuration").path("methods").path(0).path("search");
    parts.add(
        settings.path("strategy").asText("evolution")
            + " from a "
            + settings.path("start").asText("random")
            + " start");
    parts.add(Numbers.count(search.path("evaluations")) + " evaluations");
    JsonNode best = search.path("best");
    if (best.path("loss").isNumber()) {
      String accuracy =
          best.path("accuracy").isNumber()
              ? Numbers.percent(best.path("accuracy")) + " at loss "
              : "loss ";
      parts.add("best on val " + accuracy + Numbers.fixed(best.path("loss"), 4));
    }
    JsonNode limit = run.path("configuration").path("methods").path(0).path("max_parameters");
    if (limit.isNumber()) {
      String count = run.path("configuration").path("methods").path(0).path("count").asText();
      parts.add("at most " + Numbers.count(limit) + " adapter parameters (" + count + ")");
    }
    return String.join(", ", parts);
  }

  /**
   * What went wrong on the way, by kind, and whether batches are cut; empty where all went well.
   */
  private String attempts() {
    Map<String, Integer> kinds = new TreeMap<>();
    run.at("/attempts/failures")
        .forEach(each -> kinds.merge(each.path("kind").asText(), 1, Integer::sum));
    List<String> parts = new ArrayList<>();
    kinds.forEach((kind, count) -> parts.add(count + " × " + kind.replace('-', ' ')));
    JsonNode rows = run.at("/attempts/micro_batch");
    if (rows.isNumber()) {
      parts.add("micro-batches of " + Numbers.count(rows) + ", another environment fingerprint");
    }
    return String.join(", ", parts);
  }

  private String openings() {
    JsonNode openings = run.path("test_openings");
    if (openings.isEmpty()) {
      return "not opened";
    }
    List<String> parts = new ArrayList<>();
    openings.forEach(
        opening ->
            parts.add(
                opening.path("final").asText()
                    + " at "
                    + opening.path("when").asText().replaceAll("\\.\\d+Z$", "Z")));
    return "opened "
        + (parts.size() == 1 ? "once" : parts.size() + " times, once for each final")
        + " ("
        + String.join(", ", parts)
        + ")";
  }

  private TextTable merge() {
    TextTable table = new TextTable(1, "final", "greatest difference", "identical predictions");
    for (JsonNode last : run.path("finals")) {
      JsonNode check = last.path("merge");
      table.row(
          List.of(
              last.path("mode").asText(),
              Numbers.tiny(check.path("max_abs_diff")),
              Numbers.count(check.path("identical")) + "/" + Numbers.count(check.path("rows"))));
    }
    return table;
  }

  private TextTable stages() {
    TextTable table = new TextTable(1, "stage", "seconds", "peak MiB");
    run.path("timings")
        .properties()
        .forEach(
            stage ->
                table.row(
                    List.of(
                        stage.getKey(),
                        Numbers.fixed(stage.getValue(), 1),
                        Numbers.count(run.path("memory").path(stage.getKey())))));
    return table;
  }

  private static String pad(String name) {
    return name + " ".repeat(Math.max(1, 12 - name.length()));
  }
}
