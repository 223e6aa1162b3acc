package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.files.AtomicFile;
import dev.glora.report.Comparison;
import dev.glora.report.RunDocument;
import dev.glora.run.ExperimentRunner;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Runs a finished run again, in a folder of its own with a store of its own, and compares.
 *
 * <p>Within one environment fingerprint every digest and every metric must be equal. Across
 * fingerprints the last bits of every sum differ, and with them perhaps the search's choice: there
 * every metric that is a share of 1 or a correlation (accuracy, F1, AUROC, …) must agree on val and
 * test within the tolerance; losses and errors are told.
 */
final class Reproduction {
  /** Folder within the run's. */
  static final String FOLDER = "reproduction";

  private static final List<String> SHARES =
      List.of("accuracy", "macro_f1", "micro_f1", "mcc", "auroc", "pearson", "spearman");

  private final Settings settings;
  private final RunStore store;
  private final RunRow original;
  private final double tolerance;

  /**
   * Makes a reproduction.
   *
   * @param settings where things are
   * @param store the store of the original
   * @param original the run
   * @param tolerance greatest difference of a share across fingerprints
   */
  Reproduction(Settings settings, RunStore store, RunRow original, double tolerance) {
    if (!(tolerance >= 0 && tolerance <= 1)) {
      throw GloraException.usage(
          "The tolerance is " + tolerance + ", expected a share from 0 to 1, such as 0.02.");
    }
    if (original.status() != RunStatus.FINISHED) {
      throw GloraException.usage(
          "The run "
              + original.id()
              + " is not finished, so there is nothing to compare with; glora resume "
              + original.id()
              + " finishes it.");
    }
    this.settings = settings;
    this.store = store;
    this.original = original;
    this.tolerance = tolerance;
  }

  Answer run(Planner planner) {
    Path home = settings.runs().resolve(original.id());
    JsonNode resolved = Sources.here(original.resolved(), store, original.id(), home);
    PlannedRun planned = planner.replan(resolved);
    Path folder = home.resolve(FOLDER);
    try (RunStore again = RunStore.open(folder)) {
      if (again.find(planned.id()).filter(row -> row.status() == RunStatus.FINISHED).isPresent()) {
        // It was compared: this is another time.
        AtomicFile.delete(folder.resolve(planned.id()));
      }
      ExperimentRunner.repeatMicroBatch(store, original.id(), again, planned);
      Execution execution = new Execution(settings.withRuns(folder), again);
      Answer ran = execution.run(List.of(planned), "glora reproduce " + original.id());
      if (ran.code() != ExitCode.DONE) {
        RunRow row = again.find(planned.id()).orElseThrow();
        throw GloraException.failed(
            "The run could not be repeated: " + row.reason() + " See " + folder + ".");
      }
      JsonNode first = RunDocument.of(store, settings.runs(), original);
      JsonNode second = RunDocument.of(again, folder, again.find(planned.id()).orElseThrow());
      return compare(first, second);
    }
  }

  private Answer compare(JsonNode first, JsonNode second) {
    ObjectNode compared = Comparison.ofRuns(first, second).json();
    boolean exact = compared.path("same_fingerprint").asBoolean();
    boolean sameCode = first.at("/configuration/code").equals(second.at("/configuration/code"));
    ArrayNode metrics = (ArrayNode) compared.path("metrics");
    boolean within = true;
    for (JsonNode each : metrics) {
      String key = each.path("key").asText();
      boolean judged = exact || SHARES.stream().anyMatch(name -> key.endsWith("." + name));
      boolean fits = fits(each, exact);
      ((ObjectNode) each).put("judged", judged).put("fits", fits);
      within &= fits || !judged;
    }
    boolean reproduced = within && (!exact || compared.path("digests").isEmpty());
    ObjectNode answer =
        Json.object()
            .put("run", original.id())
            .put("again", second.path("folder").asText())
            .put("reproduced", reproduced)
            .put("same_fingerprint", exact)
            .put("same_code", sameCode);
    answer.put("tolerance", exact ? 0 : tolerance);
    answer.set("metrics", metrics);
    answer.set("digests", compared.path("digests"));
    answer.set("environment", compared.path("environment"));
    String sentence = sentence(answer);
    store.event(original.id(), reproduced ? "REPRODUCED" : "DIFFERS", sentence);
    return new Answer(
        reproduced ? ExitCode.DONE : ExitCode.DIFFERS,
        answer,
        sentence + "\n\n" + Comparison.ofRuns(first, second).text());
  }

  private boolean fits(JsonNode each, boolean exact) {
    JsonNode difference = each.path("difference");
    if (exact || !difference.isNumber()) {
      return Json.canonical(each.path("first")).equals(Json.canonical(each.path("second")));
    }
    return Math.abs(difference.doubleValue()) <= tolerance + 1e-12;
  }

  private String sentence(JsonNode answer) {
    boolean exact = answer.path("same_fingerprint").asBoolean();
    boolean reproduced = answer.path("reproduced").asBoolean();
    String rule =
        exact
            ? "in the same environment, where every digest and every metric must be equal"
            : String.format(
                Locale.ROOT,
                "in another environment, where shares and correlations must agree within %.3g",
                tolerance);
    String code = answer.path("same_code").asBoolean() ? "" : "; the code of glora is another one";
    return reproduced
        ? "The run " + original.id() + " is reproduced " + rule + code + "."
        : "The run " + original.id() + " was repeated and differs, " + rule + code + ".";
  }
}
