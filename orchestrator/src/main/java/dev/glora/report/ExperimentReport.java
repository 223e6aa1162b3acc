package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** The runs of an experiment side by side. */
public final class ExperimentReport {
  private final String name;
  private final List<JsonNode> runs;

  /**
   * Reports an experiment.
   *
   * @param name its name
   * @param runs documents of its runs, see {@link RunDocument}
   */
  public ExperimentReport(String name, List<? extends JsonNode> runs) {
    this.name = name;
    this.runs = List.copyOf(runs);
  }

  /**
   * Writes for a terminal: the methods, the merge checks, and the structure of each primary final
   * in one line.
   *
   * @return several lines
   */
  public String text() {
    StringBuilder out = new StringBuilder(name).append('\n');
    TextTable methods = MethodTable.narrow(finished());
    if (!methods.isEmpty()) {
      out.append('\n')
          .append(methods.text())
          .append('\n')
          .append(Words.wrap(MethodTable.NOTE, 0))
          .append('\n');
    }
    List<JsonNode> searched = searched();
    for (JsonNode run : searched) {
      StructureTable structure = new StructureTable(run.path("structure"));
      out.append("\nStructure of ").append(title(run)).append(":\n");
      // One table is read, several are skimmed: their full form is in each run's report.
      if (searched.size() == 1) {
        out.append(structure.table().text());
      }
      out.append(Words.wrap(structure.summary(), 0)).append('\n');
    }
    TextTable merges = merges();
    if (!merges.isEmpty()) {
      out.append("\nMerged against unmerged on the whole val split:\n").append(merges.text());
    }
    for (JsonNode run : unfinished()) {
      out.append('\n').append(title(run)).append(" is ").append(status(run)).append('\n');
    }
    return out.toString();
  }

  /**
   * Writes Markdown.
   *
   * @return the contents of the experiment's report
   */
  public String markdown() {
    StringBuilder out = new StringBuilder("# ").append(name).append("\n\n");
    TextTable methods = MethodTable.of(finished());
    if (methods.isEmpty()) {
      out.append("No run is finished.\n");
    } else {
      out.append(methods.markdown()).append('\n').append(MethodTable.NOTE).append('\n');
    }
    TextTable merges = merges();
    if (!merges.isEmpty()) {
      out.append("\n## Merge check, on the whole val split\n\n").append(merges.markdown());
    }
    for (JsonNode run : searched()) {
      StructureTable structure = new StructureTable(run.path("structure"));
      out.append("\n## Structure of ").append(title(run)).append("\n\n");
      out.append(structure.summary()).append("\n\n").append(structure.table().markdown());
    }
    out.append("\n## Runs\n\n").append(overview().markdown());
    return out.toString();
  }

  private TextTable overview() {
    TextTable table = new TextTable(4, "run", "status", "test opened for", "key");
    for (JsonNode run : runs) {
      List<String> openings = new ArrayList<>();
      run.path("test_openings").forEach(o -> openings.add(o.path("final").asText()));
      table.row(
          List.of(
              run.path("run").asText(),
              status(run),
              openings.isEmpty() ? Numbers.NONE : String.join(", ", openings),
              run.path("key").asText().substring(0, 16)));
    }
    return table;
  }

  private TextTable merges() {
    TextTable table =
        new TextTable(2, "run", "final", "greatest difference", "identical predictions");
    for (JsonNode run : finished()) {
      for (JsonNode last : run.path("finals")) {
        JsonNode check = last.path("merge");
        if (check.path("rows").isNumber()) {
          table.row(
              List.of(
                  title(run),
                  last.path("mode").asText(),
                  Numbers.tiny(check.path("max_abs_diff")),
                  Numbers.count(check.path("identical"))
                      + "/"
                      + Numbers.count(check.path("rows"))));
        }
      }
    }
    return table;
  }

  private List<JsonNode> finished() {
    return runs.stream().filter(run -> run.path("status").asText().equals("finished")).toList();
  }

  private List<JsonNode> unfinished() {
    return runs.stream().filter(run -> !run.path("status").asText().equals("finished")).toList();
  }

  private List<JsonNode> searched() {
    return finished().stream()
        .filter(run -> !new StructureTable(run.path("structure")).isEmpty())
        .toList();
  }

  private static String title(JsonNode run) {
    return MethodTable.label(run) + ", seed " + run.path("seed").asText();
  }

  private static String status(JsonNode run) {
    String reason = run.path("reason").asText();
    return run.path("status").asText()
        + (reason.isEmpty() || run.path("status").asText().equals("finished") ? "" : ": " + reason);
  }
}
