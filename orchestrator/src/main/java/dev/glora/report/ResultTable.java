package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The finals of an experiment over their seeds, and the published value beside each.
 *
 * <p>A row is one configuration in one final mode: mean and sample standard deviation (n − 1) over
 * its seeds, and where a published value is about it, the difference and a {@link Verdict}. Every
 * published value that is about it has a row of its own. No seed is chosen: all finished ones
 * count.
 */
public final class ResultTable {
  private final ObjectNode document;

  private ResultTable(ObjectNode document) {
    this.document = document;
  }

  /**
   * One configuration.
   *
   * @param runs documents of its finished runs, one a seed, see {@link RunDocument}
   * @param missing how many of its planned runs are not finished
   */
  public record Group(List<JsonNode> runs, int missing) {
    /** Copies the list. */
    public Group {
      runs = List.copyOf(runs);
    }
  }

  /**
   * Makes the table.
   *
   * @param experiment name of the experiment
   * @param groups its configurations
   * @param published what was published, about these runs or others
   * @param split {@code val}, {@code test}, {@code test-NAME} or {@code evaluate}, the experiment's
   *     benchmarks
   * @param metric name of the metric; {@code accuracy} of benchmarks is what papers report of each
   * @return the table
   */
  public static ResultTable of(
      String experiment,
      List<Group> groups,
      List<PublishedValue> published,
      String split,
      String metric) {
    ObjectNode document =
        Json.object()
            .put("experiment", experiment)
            .put("split", split)
            .put("metric", metric)
            .put("unit", share(metric) ? "%" : "");
    ArrayNode rows = document.putArray("rows");
    int missing = 0;
    for (Group group : groups) {
      missing += group.missing();
      if (!group.runs().isEmpty()) {
        for (Measure measure : Measure.of(group.runs(), split, metric)) {
          rows(rows, group, published, measure);
        }
      }
    }
    document.put("missing", missing);
    ArrayNode averages = VtabAverages.of(rows);
    if (!averages.isEmpty()) {
      document.set("averages", averages);
    }
    ArrayNode means = BenchmarkMeans.of(rows);
    if (!means.isEmpty()) {
      document.set("benchmark_means", means);
    }
    return new ResultTable(document);
  }

  private static void rows(
      ArrayNode rows, Group group, List<PublishedValue> published, Measure measure) {
    Map<String, TreeMap<Long, JsonNode>> modes = new LinkedHashMap<>();
    for (JsonNode run : group.runs()) {
      for (JsonNode last : run.path("finals")) {
        if (measure.of(last).isNumber()) {
          modes
              .computeIfAbsent(last.path("mode").asText(), mode -> new TreeMap<>())
              .put(run.path("seed").asLong(), last);
        }
      }
    }
    JsonNode run = group.runs().get(0);
    modes.forEach(
        (mode, finals) -> {
          ObjectNode row = row(run, mode, finals, measure);
          List<PublishedValue> about = new ArrayList<>();
          for (PublishedValue value : published) {
            if (measure.isOf(value, run)) {
              about.add(value);
            }
          }
          // Only the declared final stands for the method: choosing another one would be choosing.
          if (about.isEmpty() || !row.path("primary").asBoolean()) {
            rows.add(row);
          } else {
            about.forEach(value -> rows.add(beside(row.deepCopy(), value)));
          }
        });
  }

  private static ObjectNode row(
      JsonNode run, String mode, SortedMap<Long, JsonNode> finals, Measure measure) {
    double unit = share(measure.metric()) ? 100 : 1;
    List<Double> values = new ArrayList<>();
    List<Double> parameters = new ArrayList<>();
    ObjectNode row = Json.object();
    row.set("task", run.path("task"));
    if (measure.benchmark() != null) {
      row.put("benchmark", measure.benchmark()).put("metric", measure.metric());
    }
    row.put("method", run.path("method").asText());
    row.put("label", run.path("label").asText());
    row.put("final", mode);
    row.put("primary", finals.get(finals.firstKey()).path("primary").asBoolean());
    ArrayNode seeds = row.putArray("seeds");
    ArrayNode shown = row.putArray("values");
    finals.forEach(
        (seed, last) -> {
          double value = unit * measure.of(last).doubleValue();
          seeds.add(seed);
          shown.add(value);
          values.add(value);
          JsonNode folded = last.path("parameters").path("folded");
          if (folded.isNumber()) {
            parameters.add(folded.doubleValue());
          }
        });
    row.put("mean", Numbers.mean(values));
    if (values.size() > 1) {
      row.put("deviation", Numbers.deviation(values));
    } else {
      row.putNull("deviation");
    }
    if (parameters.isEmpty()) {
      row.putNull("parameters");
    } else {
      row.putObject("parameters")
          .put("min", Math.round(parameters.stream().mapToDouble(v -> v).min().orElseThrow()))
          .put("max", Math.round(parameters.stream().mapToDouble(v -> v).max().orElseThrow()));
    }
    row.putNull("published");
    row.putNull("difference");
    row.putNull("verdict");
    return row;
  }

  private static ObjectNode beside(ObjectNode row, PublishedValue value) {
    List<Double> own = new ArrayList<>();
    row.path("values").forEach(each -> own.add(each.doubleValue()));
    ObjectNode published = Json.object().put("value", value.value()).put("table", value.table());
    published.put("resolution", value.resolution());
    published.set("deviation", orNull(value.deviation()));
    published.put("seeds", value.seeds() > 0 ? value.seeds() : null);
    published.set("parameters", orNull(value.parameters()));
    published
        .put("source", value.source())
        .put("verified", value.verified())
        .put("note", value.note());
    row.set("published", published);
    row.put("difference", Numbers.mean(own) - value.value());
    row.put("verdict", Verdict.of(own, value).word());
    return row;
  }

  private static JsonNode orNull(OptionalDouble value) {
    return value.isPresent() ? Json.number(value.getAsDouble()) : Json.MAPPER.nullNode();
  }

  /** Losses and errors are shown as they are, everything else is a share of 1. */
  private static boolean share(String metric) {
    return !metric.contains("loss")
        && !metric.contains("perplexity")
        && !List.of("mse", "rmse", "mae").contains(metric);
  }

  /**
   * The table as a document.
   *
   * @return {@code {experiment, split, metric, unit, rows: […], missing}}
   */
  public ObjectNode json() {
    return document.deepCopy();
  }

  /**
   * The table in a form for people or other programs.
   *
   * @param format the form
   * @return its text, each line ended
   */
  public String text(TableFormat format) {
    return new ResultTableText(document).write(format);
  }
}
