package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.store.FinalRow;
import dev.glora.store.Liveness;
import dev.glora.store.RunRow;
import dev.glora.store.RunStore;
import dev.glora.store.TestOpening;
import java.nio.file.Path;

/**
 * Everything known of a run as one JSON object: what {@code glora show --json} prints.
 *
 * <p>{@code digests}, {@code metrics} (of val, of test, of each further test set as {@code
 * test-NAME}, and {@code evaluate}, the benchmarks; and {@code undefined}, why one of them is null,
 * {@code per_class}, and {@code predictions}, the file of each test row's), {@code merge} and
 * {@code parameters} at the top are those of the primary final; {@code finals} has all. What is not
 * known yet is null or empty, never missing.
 */
public final class RunDocument {
  private RunDocument() {}

  /**
   * Writes a run's document.
   *
   * @param store an open store
   * @param runs folder of the runs
   * @param row the run
   * @return a new object
   */
  public static ObjectNode of(RunStore store, Path runs, RunRow row) {
    ObjectNode sections = store.sections(row.id());
    ObjectNode out = Json.object();
    out.put("run", row.id());
    out.put("status", Words.status(Liveness.status(store, runs, row)));
    out.put("reason", row.reason());
    out.put("experiment", row.experiment());
    out.set("task", row.resolved().path("task").path("domain"));
    out.put("method", row.method());
    out.put("label", row.label());
    out.put("variant", row.variant());
    out.put("seed", row.seed());
    out.put("key", row.key());
    out.put("folder", runs.resolve(row.id()).toString());
    out.put("created", row.created().toString());
    out.put("started", row.started() == null ? null : row.started().toString());
    out.put("changed", row.changed().toString());

    ArrayNode finals = Json.array();
    JsonNode primary = Json.MISSING;
    for (FinalRow last : store.finals(row.id())) {
      ObjectNode shown = Json.object();
      shown.put("mode", last.mode());
      shown.put("primary", last.primary());
      last.record()
          .properties()
          .forEach(entry -> shown.putIfAbsent(entry.getKey(), entry.getValue()));
      finals.add(shown);
      if (last.primary()) {
        primary = shown;
      }
    }
    ObjectNode digests = Json.object();
    for (String name : new String[] {"structure", "adapter", "merged"}) {
      digests.set(name, orNull(primary.path("digests").path(name)));
    }
    out.set("digests", digests);
    ObjectNode parameters = Json.object();
    for (String name : new String[] {"trainable", "adapter", "stored", "folded", "head", "total"}) {
      JsonNode own = primary.path("parameters").path(name);
      parameters.set(name, orNull(own.isNumber() ? own : sections.path("parameters").path(name)));
    }
    out.set("parameters", parameters);
    ObjectNode metrics = Json.object();
    metrics.set("val", orEmpty(primary.path("metrics").path("val")));
    metrics.set("test", orEmpty(primary.path("metrics").path("test")));
    // Further test sets, by the names of their splits, and the benchmarks.
    primary
        .path("metrics")
        .properties()
        .forEach(each -> metrics.set(each.getKey(), each.getValue()));
    out.set("metrics", metrics);
    out.set("undefined", orEmpty(primary.path("undefined")));
    out.set("per_class", orEmpty(primary.path("per_class")));
    out.set("predictions", orNull(primary.path("predictions")));
    ObjectNode merge = Json.object();
    for (String name : new String[] {"max_abs_diff", "identical", "rows"}) {
      merge.set(name, orNull(primary.path("merge").path(name)));
    }
    out.set("merge", merge);
    out.set("finals", finals);
    out.put("evaluations", store.countTrials(row.id()));
    for (String name :
        new String[] {
          "timings", "memory", "attempts", "environment", "data", "model", "search", "structure"
        }) {
      out.set(name, orEmpty(sections.path(name)));
    }
    ArrayNode openings = Json.array();
    for (TestOpening opening : store.openings(row.id())) {
      openings
          .addObject()
          .put("id", opening.id())
          .put("final", opening.mode())
          .put("when", opening.when().toString());
    }
    out.set("test_openings", openings);
    out.set("configuration", row.resolved());
    return out;
  }

  private static JsonNode orNull(JsonNode node) {
    return node.isMissingNode() ? Json.MAPPER.nullNode() : node;
  }

  private static JsonNode orEmpty(JsonNode node) {
    return node.isMissingNode() ? Json.object() : node;
  }
}
