package dev.glora.plan;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunRow;
import java.util.ArrayList;
import java.util.List;

/** What changed since a run that was planned in the place of another. */
final class Reasons {
  private static final int SHOWN = 3;

  private Reasons() {}

  /**
   * Words the change.
   *
   * @param before the run that was there
   * @param run the one that is planned now
   * @return the first one's id and what is different
   */
  static String changed(RunRow before, PlannedRun run) {
    List<String> found = new ArrayList<>();
    compare("", before.resolved(), run.resolved(), found);
    int more = found.size() - SHOWN;
    String shown = String.join(", ", found.subList(0, Math.min(SHOWN, found.size())));
    return before.id() + ": " + (more > 0 ? shown + " and " + more + " more" : shown);
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
