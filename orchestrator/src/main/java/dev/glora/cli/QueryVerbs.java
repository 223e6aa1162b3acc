package dev.glora.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.report.RunDocument;
import dev.glora.report.RunReport;
import dev.glora.report.RunTables;
import dev.glora.store.FinalRow;
import dev.glora.store.Liveness;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The verbs that ask the store. They start no Python. */
final class QueryVerbs {
  private static final int SHOWN = 5;

  private QueryVerbs() {}

  static ExitCode list(Call call) {
    Path runs = call.settings().runs();
    ArrayNode all = Json.array();
    Optional<RunStore> opened = RunStore.openExisting(runs);
    if (opened.isPresent()) {
      try (RunStore store = opened.get()) {
        Map<String, FinalRow> primaries = store.primaries();
        for (RunRow row : store.runs()) {
          all.add(line(runs, row, primaries.get(row.id())));
        }
      }
    }
    if (call.json()) {
      call.answer(Json.object().set("runs", all));
    } else if (all.isEmpty()) {
      call.out().println("There are no runs in " + runs + " yet; glora run FILE makes some.");
    } else {
      call.out().print(RunTables.list(all));
    }
    return ExitCode.DONE;
  }

  static ExitCode show(Call call) {
    Path runs = call.settings().runs();
    try (RunStore store = RunStore.openExisting(runs).orElseThrow(() -> noRuns(runs))) {
      RunRow row = one(store, call.arguments().get(0));
      ObjectNode document = RunDocument.of(store, runs, row);
      if (call.json()) {
        call.answer(document);
      } else {
        call.out().print(new RunReport(document).text());
      }
    }
    return ExitCode.DONE;
  }

  static ExitCode status(Call call) {
    Path runs = call.settings().runs();
    ArrayNode open = Json.array();
    Map<String, Integer> counts = new TreeMap<>();
    Optional<RunStore> opened = RunStore.openExisting(runs);
    if (opened.isPresent()) {
      try (RunStore store = opened.get()) {
        for (RunRow row : store.runs()) {
          RunStatus status = Liveness.status(runs, row);
          counts.merge(status.name().toLowerCase(Locale.ROOT), 1, Integer::sum);
          if (status != RunStatus.FINISHED) {
            open.add(
                line(runs, row, null).put("stage", StageEvents.last(store, row.id()).orElse(null)));
          }
        }
      }
    }
    if (call.json()) {
      ObjectNode answer = Json.object();
      answer.set("counts", Json.MAPPER.valueToTree(counts));
      answer.set("runs", open);
      call.answer(answer);
    } else {
      call.out().print(RunTables.status(counts, open));
    }
    return ExitCode.DONE;
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

  private static ObjectNode line(Path runs, RunRow row, FinalRow primary) {
    JsonNode metrics = primary == null ? Json.MISSING : primary.record().path("metrics");
    ObjectNode line = Json.object();
    line.put("run", row.id());
    line.put("status", Liveness.status(runs, row).name().toLowerCase(Locale.ROOT));
    line.put("reason", row.reason());
    line.put("experiment", row.experiment());
    line.put("method", row.method());
    line.put("label", row.label());
    line.put("seed", row.seed());
    line.put("key", row.key());
    line.put("changed", row.changed().toString());
    line.set("val_accuracy", number(metrics.path("val").path("accuracy")));
    line.set("test_accuracy", number(metrics.path("test").path("accuracy")));
    return line;
  }

  private static JsonNode number(JsonNode node) {
    return node.isNumber() ? node : Json.MAPPER.nullNode();
  }
}
