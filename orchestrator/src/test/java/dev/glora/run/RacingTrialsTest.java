package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.files.AtomicFile;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Searches with real torch evaluations over seeds, raced and to the end, on 200 val rows. With
 * {@code -Dglora.record=DIR} what was found is written to {@code DIR/racing-STRATEGY-FITNESS.json}.
 */
@Tag("slow")
class RacingTrialsTest {
  private static final int ROWS = 200;
  private static final int SEEDS = 5;

  @TempDir Path temp;

  @ParameterizedTest
  @CsvSource({"evolution,accuracy", "evolution,loss", "nsga2,accuracy"})
  void theRacedWinnerIsTheFullOneOrWithinOneExample(String strategy, String fitness)
      throws Exception {
    Path material = write(temp.resolve("material"));
    ObjectNode record = Json.object().put("strategy", strategy).put("fitness", fitness);
    record.put("val_rows", ROWS).put("level", 0.05).put("batch", 20);
    ArrayNode trials = record.putArray("seeds");
    try (PythonRuntime python = Tiny.python()) {
      for (int seed = 0; seed < SEEDS; seed++) {
        trials.add(trial(material, python, strategy, fitness, seed));
      }
    }
    double saved = 0;
    int equal = 0;
    for (JsonNode trial : trials) {
      saved += trial.path("saved").asDouble() / SEEDS;
      equal += trial.path("same_winner").asBoolean() ? 1 : 0;
    }
    record.put("mean_share_of_rows_saved", saved).put("same_winner", equal);
    String folder = System.getProperty("glora.record", "");
    if (!folder.isEmpty()) {
      AtomicFile.write(
          Path.of(folder).resolve("racing-" + strategy + "-" + fitness + ".json"),
          Json.pretty(record) + "\n");
    }
    for (JsonNode trial : trials) {
      assertThat(trial.path("examples_behind").asLong())
          .as(trial.toString())
          .isLessThanOrEqualTo(1);
    }
    assertThat(saved).isPositive();
  }

  private static ObjectNode trial(
      Path material, PythonRuntime python, String strategy, String fitness, int seed)
      throws IOException {
    // Stores of their own: in one the race would find the full evaluations and stop none.
    Path none = material.resolveSibling("full-" + seed);
    JsonNode full = search(none, material, python, strategy, fitness, seed, "none");
    Path paired = material.resolveSibling("raced-" + seed);
    JsonNode raced = search(paired, material, python, strategy, fitness, seed, "paired");
    double behind = full.at("/best/accuracy").asDouble() - raced.at("/best/accuracy").asDouble();
    ObjectNode trial = Json.object().put("seed", seed);
    trial.set("full", full.path("best"));
    trial.set("raced", raced.path("best"));
    trial.put("same_winner", full.path("best").equals(raced.path("best")));
    trial.put("examples_behind", Math.round(behind * ROWS));
    trial.put("evaluations", raced.path("evaluations").asInt());
    trial.put("stopped_early", raced.at("/evaluation/stopped_early").asInt());
    double rows = raced.at("/evaluation/rows").asDouble();
    return trial.put("saved", 1 - rows / full.at("/evaluation/rows").asDouble());
  }

  private static JsonNode search(
      Path runs,
      Path material,
      PythonRuntime python,
      String strategy,
      String fitness,
      int seed,
      String test)
      throws IOException {
    List<PlannedRun> plan = new ArrayList<>();
    for (PlannedRun run :
        Tiny.plan(
            material,
            "seeds=[" + seed + "]",
            "task.split.train=240",
            "task.split.val=" + ROWS,
            "training.steps=60",
            "training.eval_batch_size=20",
            "methods.glora.final=[inherit]",
            "methods.glora.primary=inherit",
            "methods.glora.supernet.sampling.largest_steps=20",
            "methods.glora.search.strategy=" + strategy,
            "methods.glora.search.fitness=" + fitness,
            "methods.glora.search.swaps=12",
            "methods.glora.search.population=16",
            "methods.glora.search.parents=5",
            "methods.glora.search.mutations=8",
            "methods.glora.search.crossovers=8",
            "methods.glora.search.generations=5",
            "methods.glora.search.racing.test=" + test)) {
      if (run.method().label().equals("glora")) {
        plan.add(run);
      }
    }
    CancelToken cancel = new CancelToken();
    Tiny.run(runs, material, python, cancel, new Tiny.Counter(cancel, -1), plan);
    try (RunStore store = RunStore.open(runs)) {
      return store.section(plan.get(0).id(), "search").orElseThrow();
    }
  }

  private static Path write(Path folder) throws IOException, InterruptedException {
    String script =
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import tiny;"
            + " d = pathlib.Path(sys.argv[2]); tiny.write_model(d / 'model');"
            + " tiny.write_data(d / 'data.tsv', rows=520)";
    ProcessBuilder builder =
        new ProcessBuilder(
            Tiny.EXECUTABLE.toString(),
            "-c",
            script,
            Tiny.ROOT.resolve("python-runtime/tests").toString(),
            folder.toString());
    builder.environment().putAll(Map.of("HF_HUB_OFFLINE", "1"));
    if (builder.inheritIO().start().waitFor() != 0) {
      throw new IllegalStateException("tiny.py failed");
    }
    return folder;
  }
}
