package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.Liveness;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Why a run is done, gone on with, or not done again. */
final class Reasons {
  private static final int SHOWN = 3;

  private Reasons() {}

  /**
   * Words the reason, before the run is entered into the store.
   *
   * @return a few words
   */
  static String of(RunStore store, Path runs, PlannedRun run) {
    Optional<RunRow> row = store.find(run.id());
    if (row.isPresent() && row.get().status() != RunStatus.PLANNED) {
      String at = StageEvents.last(store, run.id()).map(stage -> " at " + stage).orElse("");
      return switch (Liveness.status(runs, row.get())) {
        case FINISHED -> "done, an equal run is finished";
        case RUNNING -> "at work in another process" + at;
        case FAILED -> "goes on" + at + ", it failed: " + row.get().reason();
        default -> "goes on" + at;
      };
    }
    return earlier(store, run)
        .map(before -> "changed since " + before.id() + ": " + differences(before, run))
        .orElse("new");
  }

  private static Optional<RunRow> earlier(RunStore store, PlannedRun run) {
    RunRow found = null;
    for (RunRow row : store.runs()) {
      if (row.experiment().equals(run.experiment().name())
          && row.label().equals(run.method().label())
          && row.seed() == run.seed()
          && !row.id().equals(run.id())) {
        found = row;
      }
    }
    return Optional.ofNullable(found);
  }

  private static String differences(RunRow before, PlannedRun run) {
    List<String> found = new ArrayList<>();
    compare("", before.resolved(), run.resolved(), found);
    int more = found.size() - SHOWN;
    String shown = String.join(", ", found.subList(0, Math.min(SHOWN, found.size())));
    return more > 0 ? shown + " and " + more + " more" : shown;
  }

  private static void compare(String path, JsonNode before, JsonNode now, List<String> found) {
    // By text: 8 read from the store and 8 read from the file are numbers of different widths.
    if (Json.canonical(before).equals(Json.canonical(now))) {
      return;
    }
    if (path.equals("code")) {
      found.add("glora's code");
    } else if (before.isObject() && now.isObject()) {
      before
          .fieldNames()
          .forEachRemaining(
              key -> compare(join(path, key), before.path(key), now.path(key), found));
      now.fieldNames()
          .forEachRemaining(
              key -> {
                if (!before.has(key)) {
                  found.add(join(path, key) + " is new");
                }
              });
    } else if (before.isArray() && now.isArray() && before.size() == now.size()) {
      for (int i = 0; i < now.size(); i++) {
        compare(
            path.equals("methods") ? "" : path + "[" + i + "]", before.get(i), now.get(i), found);
      }
    } else {
      found.add(
          path
              + " "
              + (before.isMissingNode() ? "unset" : before)
              + " → "
              + (now.isMissingNode() ? "unset" : now));
    }
  }

  private static String join(String path, String key) {
    return path.isEmpty() ? key : path + "." + key;
  }
}
