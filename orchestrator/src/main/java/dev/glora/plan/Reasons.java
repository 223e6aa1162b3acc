package dev.glora.plan;

import dev.glora.Differences;
import dev.glora.Differences.Difference;
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
    for (Difference each : Differences.of(before.resolved(), run.resolved())) {
      found.add(words(each));
    }
    int more = found.size() - SHOWN;
    String shown = String.join(", ", found.subList(0, Math.min(SHOWN, found.size())));
    return before.id() + ": " + (more > 0 ? shown + " and " + more + " more" : shown);
  }

  private static String words(Difference each) {
    if (each.path().equals("code")) {
      return "glora's code";
    }
    // A run has one method.
    String path = each.path().replaceFirst("^methods\\[0]\\.", "");
    if (each.first().isMissingNode()) {
      return path + " is new";
    }
    return path
        + " "
        + each.first()
        + " → "
        + (each.second().isMissingNode() ? "unset" : each.second());
  }
}
