package dev.glora.run;

import dev.glora.api.Glora;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.Experiment;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A tiny model, tiny data, and an experiment on them with all methods and finals. */
final class Tiny {
  static final Path ROOT = Path.of(System.getProperty("glora.root"));
  static final Path EXECUTABLE = ROOT.resolve(".venv/bin/python");

  private static final String YAML =
      """
      version: 1
      name: tiny
      seeds: [0]
      runtime: {threads: 1}
      model: @MODEL@
      task:
        source: "local:@DIR@/data.tsv"
        domain: reviews
        split: {train: 64, val: 32, test: 32, seed: 5}
        max_length: 16
      training:
        steps: @STEPS@
        batch_size: 8
        eval_batch_size: @ROWS@
        learning_rate: 1.0e-2
        warmup_steps: 2
        dropout: 0.1
        checkpoint_every: 5
      methods:
        - {method: head, learning_rates: [1.0e-3, 3.0e-2]}
        - {method: lora, rank: 2, alpha: 4}
        - method: glora
          recipe: published
          ranks: [1, 2]
          max_parameters: 1400
          count: folded
          supernet:
            sampling: {largest_steps: 4, largest_probability: 0.3}
          search:
            strategy: evolution
            start: taylor
            swaps: 4
            score_batches: 3
            population: 6
            generations: 2
            parents: 3
            mutations: 3
            crossovers: 3
            mutation_probability: 0.2
            fitness: loss
          final: [inherit, finetune, retrain]
          primary: finetune
          finetune: {steps: @FINETUNE@}
          retrain: {steps: @RETRAIN@}
      """;

  private Tiny() {}

  /** The Java API on folders of runs and cache within a folder. */
  static Glora.Builder glora(Path folder, String runs) {
    return Glora.builder()
        .checkout(ROOT)
        .python(EXECUTABLE)
        .runs(folder.resolve(runs))
        .cache(folder.resolve("cache"));
  }

  /**
   * The experiment's text.
   *
   * @param model the model block
   * @param material folder with the data
   * @param steps of every method's training
   * @param rows rows of an evaluation's batch
   * @param finetune steps of that final
   * @param retrain steps of that final
   */
  static String yaml(String model, Path material, int steps, int rows, int finetune, int retrain) {
    return YAML.replace("@MODEL@", model)
        .replace("@DIR@", material.toString())
        .replace("@STEPS@", String.valueOf(steps))
        .replace("@ROWS@", String.valueOf(rows))
        .replace("@FINETUNE@", String.valueOf(finetune))
        .replace("@RETRAIN@", String.valueOf(retrain));
  }

  /** The same text with the one method that searches. */
  static String searchOnly(String yaml) {
    return yaml.replaceAll(" *- \\{method: .*\n", "");
  }

  /** Writes model and data, once per folder. */
  static Path write(Path folder) throws IOException, InterruptedException {
    Path script = ROOT.resolve("python-runtime/tests/tiny.py");
    Process process =
        new ProcessBuilder(EXECUTABLE.toString(), script.toString(), folder.toString())
            .inheritIO()
            .start();
    if (process.waitFor() != 0) {
      throw new IllegalStateException("tiny.py ended with " + process.exitValue());
    }
    return folder;
  }

  static PythonRuntime python() {
    return PythonRuntime.open(
        PythonConfig.builder(EXECUTABLE)
            .modulePath(ROOT.resolve("python-runtime/src"))
            .modulePath(ROOT.resolve("orchestrator/src/test/python"))
            .environment("OMP_NUM_THREADS", "1")
            .environment("MKL_NUM_THREADS", "1")
            .environment("HF_HUB_OFFLINE", "1")
            .build());
  }

  static Experiment experiment(Path material, String... overrides) {
    String model = "\"local:" + material.resolve("model") + "\"";
    return ExperimentReader.parse(
        yaml(model, material, 12, 10, 6, 8), "tiny.yaml", List.of(overrides));
  }

  static List<PlannedRun> plan(Path material, String... overrides) {
    return new Planner("test").plan(experiment(material, overrides));
  }

  static List<RunOutcome> run(
      Path runs,
      Path material,
      PythonRuntime python,
      CancelToken cancel,
      RunListener listener,
      String... overrides)
      throws IOException {
    return run(runs, material, python, cancel, listener, plan(material, overrides));
  }

  static List<RunOutcome> run(
      Path runs,
      Path material,
      PythonRuntime python,
      CancelToken cancel,
      RunListener listener,
      List<PlannedRun> plan)
      throws IOException {
    Files.createDirectories(runs);
    try (RunStore store = RunStore.open(runs)) {
      return new ExperimentRunner(store, runs, material.resolve("cache"), python, listener, cancel)
          .run(plan);
    }
  }

  /** Prints nothing, counts everything, and may cancel after a number of steps. */
  static class Counter implements RunListener {
    private final CancelToken cancel;
    private final long after;
    private long calls;
    final List<String> stages = new ArrayList<>();
    final List<String> messages = new ArrayList<>();

    Counter(CancelToken cancel, long after) {
      this.cancel = cancel;
      this.after = after;
    }

    long calls() {
      return calls;
    }

    private synchronized void count() {
      if (++calls == after) {
        cancel.cancel(130);
      }
    }

    @Override
    public void stage(String run, String stage, long total) {
      stages.add(stage);
      count();
    }

    @Override
    public void advance(long done, String note) {
      count();
    }

    @Override
    public void stageDone(String summary) {
      count();
    }

    @Override
    public void message(String line) {
      messages.add(line);
    }
  }
}
