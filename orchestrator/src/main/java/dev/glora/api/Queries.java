package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.report.RunDocument;
import dev.glora.report.RunReport;
import dev.glora.report.RunTables;
import dev.glora.store.Liveness;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.RunSummary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Questions to the store. They start no Python. */
final class Queries {
  private static final int SHOWN = 5;

  private Queries() {}

  static Answer list(Settings settings, RunFilter filter) {
    Path runs = settings.runs();
    Set<RunStatus> statuses = statuses(filter.status());
    List<RunSummary> page = List.of();
    ArrayNode lines = Json.array();
    int total = 0;
    Optional<RunStore> opened = settings.existingStore();
    if (opened.isPresent()) {
      try (RunStore store = opened.get()) {
        if (filter.status() != null && statuses.contains(RunStatus.RUNNING)) {
          // Whether a process is behind them is not in the store; they are few.
          RunStatus wanted = RunStatus.valueOf(filter.status().toUpperCase(Locale.ROOT));
          List<RunSummary> alive = new ArrayList<>();
          for (RunSummary each : store.summaries(filter.experiment(), statuses, 0, 0)) {
            if (Liveness.status(store, runs, each.id(), each.status()) == wanted) {
              alive.add(each);
            }
          }
          total = alive.size();
          page = newest(alive, filter);
        } else {
          total = store.count(filter.experiment(), statuses);
          page = store.summaries(filter.experiment(), statuses, filter.limit(), filter.offset());
        }
        page.forEach(
            each -> lines.add(line(each, Liveness.status(store, runs, each.id(), each.status()))));
      }
    }
    ObjectNode answer = Json.object().put("total", total).put("offset", filter.offset());
    answer.set("runs", lines);
    String text;
    if (page.isEmpty() && filter.equals(new RunFilter(null, null, filter.limit(), 0))) {
      text = "There are no runs in " + runs + " yet; glora run FILE makes some.\n";
    } else {
      text = RunTables.list(lines);
      if (page.size() < total) {
        text += page.size() + " of " + total + " runs; --limit and --offset show others.\n";
      }
    }
    return Answer.of(answer, text);
  }

  private static List<RunSummary> newest(List<RunSummary> all, RunFilter filter) {
    int end = Math.max(0, all.size() - filter.offset());
    int begin = filter.limit() > 0 ? Math.max(0, end - filter.limit()) : 0;
    return all.subList(begin, end);
  }

  private static Set<RunStatus> statuses(String name) {
    if (name == null) {
      return EnumSet.allOf(RunStatus.class);
    }
    RunStatus wanted =
        Arrays.stream(RunStatus.values())
            .filter(status -> word(status).equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    GloraException.usage(
                        "There is no status \""
                            + name
                            + "\"; expected one of "
                            + Arrays.stream(RunStatus.values())
                                .map(Queries::word)
                                .collect(Collectors.joining(", "))
                            + "."));
    // A running run whose process was killed is an interrupted one.
    return wanted == RunStatus.INTERRUPTED
        ? EnumSet.of(RunStatus.INTERRUPTED, RunStatus.RUNNING)
        : EnumSet.of(wanted);
  }

  static Answer show(RunStore store, Path runs, String run) {
    ObjectNode document = RunDocument.of(store, runs, one(store, run));
    return Answer.of(document, new RunReport(document).text());
  }

  static Answer status(Settings settings) {
    Path runs = settings.runs();
    ArrayNode open = Json.array();
    Map<String, Integer> counts = new TreeMap<>();
    Optional<RunStore> opened = settings.existingStore();
    if (opened.isPresent()) {
      try (RunStore store = opened.get()) {
        store.counts().forEach((status, n) -> counts.put(word(status), n));
        Set<RunStatus> unfinished = EnumSet.complementOf(EnumSet.of(RunStatus.FINISHED));
        for (RunSummary each : store.summaries(null, unfinished, 0, 0)) {
          RunStatus status = Liveness.status(store, runs, each.id(), each.status());
          if (status != each.status()) {
            counts.merge(word(each.status()), -1, Integer::sum);
            counts.merge(word(status), 1, Integer::sum);
          }
          open.add(line(each, status).put("stage", store.lastStage(each.id()).orElse(null)));
        }
        counts.values().removeIf(n -> n == 0);
      }
    }
    ObjectNode answer = Json.object();
    answer.set("counts", Json.MAPPER.valueToTree(counts));
    answer.set("runs", open);
    return Answer.of(answer, RunTables.status(counts, open));
  }

  /** Finds the one run that is meant. */
  static RunRow one(RunStore store, String text) {
    List<RunRow> found = store.matching(text);
    if (found.isEmpty()) {
      throw GloraException.usage(
          "There is no run \"" + text + "\"; glora list shows the runs that there are.");
    }
    if (found.size() > 1) {
      List<String> ids = found.stream().limit(SHOWN).map(RunRow::id).toList();
      throw GloraException.usage(
          "\""
              + text
              + "\" is the beginning of "
              + found.size()
              + " runs ("
              + String.join(", ", ids)
              + (found.size() > SHOWN ? ", …" : "")
              + "); give more of the one you mean.");
    }
    return found.get(0);
  }

  static GloraException noRuns(Path runs) {
    return GloraException.usage(
        "There are no runs in "
            + runs
            + "; name another folder with --runs, or run an experiment.");
  }

  private static ObjectNode line(RunSummary run, RunStatus status) {
    ObjectNode line = Json.object();
    line.put("run", run.id());
    line.put("status", word(status));
    line.put("reason", run.reason());
    line.put("experiment", run.experiment());
    line.put("method", run.method());
    line.put("label", run.label());
    line.put("variant", run.variant());
    line.put("seed", run.seed());
    line.put("key", run.key());
    line.put("changed", run.changed().toString());
    line.set("val_accuracy", number(run.metrics().path("val").path("accuracy")));
    line.set("test_accuracy", number(run.metrics().path("test").path("accuracy")));
    return line;
  }

  private static String word(RunStatus status) {
    return status.name().toLowerCase(Locale.ROOT);
  }

  private static JsonNode number(JsonNode node) {
    return node.isNumber() ? node : Json.MAPPER.nullNode();
  }
}
