package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** A {@link ResultTable} as text. */
final class ResultTableText {
  private static final String[] HEAD = {
    "task", "method", "final", "seeds", "", "parameters", "published", "difference", "verdict"
  };

  /** Columns that hold words. */
  private static final int LEFT = 3;

  private static final String VERDICTS =
      "Mean ± sample standard deviation over the seeds; the verdict says whether the published"
          + " value lies within the 95 % confidence interval of the mean.";

  private final JsonNode table;

  /** Sources by the order in which they appear, each with its mark. */
  private final Map<String, String> sources = new LinkedHashMap<>();

  private final List<List<String>> rows = new ArrayList<>();

  ResultTableText(JsonNode table) {
    this.table = table;
    table.path("rows").forEach(row -> rows.add(cells(row)));
  }

  String write(TableFormat format) {
    return switch (format) {
      case TEXT -> plain(false);
      case MD -> plain(true);
      case CSV -> csv();
      case LATEX -> latex();
      case JSON -> Json.pretty(table) + "\n";
    };
  }

  private String metric() {
    String unit = table.path("unit").asText();
    return table.path("split").asText()
        + " "
        + table.path("metric").asText().replace('_', ' ')
        + (unit.isEmpty() ? "" : " (" + unit + ")");
  }

  private List<String> head() {
    List<String> head = new ArrayList<>(List.of(HEAD));
    head.set(4, metric());
    return head;
  }

  private int decimals() {
    return table.path("unit").asText().isEmpty() ? 3 : 1;
  }

  private List<String> cells(JsonNode row) {
    List<Double> values = new ArrayList<>();
    row.path("values").forEach(value -> values.add(value.doubleValue()));
    JsonNode published = row.path("published");
    String shown = Numbers.NONE;
    if (published.isObject()) {
      shown = Numbers.fixed(published.path("value"), decimals());
      if (published.path("deviation").isNumber()) {
        shown += " ± " + Numbers.fixed(published.path("deviation"), decimals());
      }
      shown += " [" + mark(published) + "]";
    }
    JsonNode parameters = row.path("parameters");
    String mode = row.path("final").asText();
    String task = row.path("task").asText();
    if (row.has("benchmark")) {
      task += ", " + row.path("benchmark").asText() + " (" + row.path("metric").asText() + ")";
    }
    return List.of(
        task,
        row.path("label").asText(),
        mode.equals("train") ? "" : mode + (row.path("primary").asBoolean() ? " *" : ""),
        String.valueOf(values.size()),
        Numbers.meanAndDeviation(values, decimals()),
        parameters.isObject()
            ? Numbers.counts(
                List.of(parameters.path("min").doubleValue(), parameters.path("max").doubleValue()))
            : Numbers.NONE,
        shown,
        row.path("difference").isNumber()
            ? String.format(
                Locale.ROOT, "%+." + decimals() + "f", row.path("difference").doubleValue())
            : Numbers.NONE,
        row.path("verdict").asText(Numbers.NONE));
  }

  private String mark(JsonNode published) {
    String source = published.path("source").asText();
    String note = published.path("note").asText();
    String text =
        source
            + (published.path("verified").asBoolean() ? "" : " (not verified)")
            + (note.isEmpty() ? "" : "; " + note);
    return sources.computeIfAbsent(text, unused -> String.valueOf(sources.size() + 1));
  }

  private List<String> notes() {
    List<String> notes = new ArrayList<>();
    notes.add(VERDICTS + (anyPrimary() ? " An asterisk marks the primary final." : ""));
    table.path("averages").forEach(line -> notes.add(VtabAverages.sentence(line)));
    table.path("benchmark_means").forEach(line -> notes.add(BenchmarkMeans.sentence(line)));
    int missing = table.path("missing").asInt();
    if (missing > 0) {
      notes.add(
          missing + (missing == 1 ? " planned run is" : " planned runs are") + " not finished.");
    }
    sources.forEach((source, mark) -> notes.add("[" + mark + "] " + source + "."));
    return notes;
  }

  private boolean anyPrimary() {
    return rows.stream().anyMatch(row -> row.get(2).endsWith("*"));
  }

  private String plain(boolean markdown) {
    if (rows.isEmpty()) {
      return "No run of "
          + table.path("experiment").asText()
          + " is finished; glora run FILE runs it.\n";
    }
    TextTable text = new TextTable(LEFT, head().toArray(String[]::new));
    rows.forEach(text::row);
    StringBuilder out = new StringBuilder(markdown ? text.markdown() : text.text());
    for (String note : notes()) {
      out.append('\n').append(markdown ? note : Words.wrap(note, 0)).append('\n');
    }
    return out.toString();
  }

  private String csv() {
    StringBuilder out = new StringBuilder();
    CSVFormat format =
        CSVFormat.RFC4180
            .builder()
            .setRecordSeparator("\n")
            .setHeader(
                "task",
                "method",
                "label",
                "final",
                "primary",
                "split",
                "metric",
                "unit",
                "seeds",
                "mean",
                "deviation",
                "parameters_min",
                "parameters_max",
                "published",
                "published_deviation",
                "published_seeds",
                "difference",
                "verdict",
                "source",
                "verified",
                "note",
                "benchmark")
            .get();
    try (CSVPrinter printer = new CSVPrinter(out, format)) {
      for (JsonNode row : table.path("rows")) {
        JsonNode published = row.path("published");
        printer.printRecord(
            text(row.path("task")),
            text(row.path("method")),
            text(row.path("label")),
            text(row.path("final")),
            text(row.path("primary")),
            text(table.path("split")),
            text(row.path("metric").isMissingNode() ? table.path("metric") : row.path("metric")),
            text(table.path("unit")),
            row.path("values").size(),
            text(row.path("mean")),
            text(row.path("deviation")),
            text(row.path("parameters").path("min")),
            text(row.path("parameters").path("max")),
            text(published.path("value")),
            text(published.path("deviation")),
            text(published.path("seeds")),
            text(row.path("difference")),
            text(row.path("verdict")),
            text(published.path("source")),
            text(published.path("verified")),
            text(published.path("note")),
            text(row.path("benchmark")));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("A string builder took no text", e);
    }
    return out.toString();
  }

  /** A cell without rounding; nothing where there is nothing. */
  private static String text(JsonNode value) {
    return value.isNull() || value.isMissingNode() ? "" : value.asText();
  }

  private String latex() {
    StringBuilder out = new StringBuilder("% needs \\usepackage{booktabs}\n");
    out.append("\\begin{table}\n  \\centering\n  \\caption{")
        .append(escape(table.path("experiment").asText()))
        .append(": ")
        .append(escape(metric()))
        .append(", mean $\\pm$ standard deviation over the seeds.}\n  \\label{tab:")
        .append(table.path("experiment").asText().replaceAll("[^A-Za-z0-9-]", "-"))
        .append("}\n  \\begin{tabular}{lllrrrrrl}\n    \\toprule\n");
    out.append("    ").append(line(head())).append("    \\midrule\n");
    for (List<String> row : rows) {
      out.append("    ").append(line(row));
    }
    out.append("    \\bottomrule\n  \\end{tabular}\n\n");
    for (String note : notes()) {
      out.append("  {\\footnotesize ").append(escape(note)).append("\\par}\n");
    }
    return out.append("\\end{table}\n").toString();
  }

  private static String line(List<String> cells) {
    return cells.stream().map(ResultTableText::escape).collect(Collectors.joining(" & "))
        + " \\\\\n";
  }

  /** The signs that TeX takes for itself, and those that it has another way of writing. */
  private static String escape(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\\' -> out.append("\\textbackslash{}");
        case '&', '%', '$', '#', '_', '{', '}' -> out.append('\\').append(c);
        case '~' -> out.append("\\textasciitilde{}");
        case '^' -> out.append("\\textasciicircum{}");
        case '±' -> out.append("$\\pm$");
        case '−' -> out.append("$-$");
        case '…' -> out.append("--");
        case '–' -> out.append("--");
        default -> out.append(c);
      }
    }
    // A minus sign, not a hyphen, before a number that stands alone.
    return out.toString()
        .replaceFirst("^-(?=\\d)", "\\$-\\$")
        .replaceFirst("^\\+(?=\\d)", "\\$+\\$");
  }
}
