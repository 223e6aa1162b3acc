package dev.glora.store;

import dev.glora.experiment.Experiment;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import java.util.List;

/** Planned runs for tests. */
public final class Runs {
  /** The experiment that they are of. */
  public static final String YAML =
      """
      version: 1
      name: demo
      seeds: [0, 1]
      model: "local:/models/tiny"
      task: {source: "local:/data/tiny", domain: movies}
      methods:
        - {method: head}
        - {method: lora}
        - {method: glora, final: [inherit, finetune], primary: inherit, max_parameters: 1000}
      """;

  private Runs() {}

  /** Three methods with two seeds: head, lora, glora of seed 0, then of seed 1. */
  public static List<PlannedRun> plan(String... overrides) {
    Experiment experiment = ExperimentReader.parse(YAML, "demo.yaml", List.of(overrides));
    return new Planner("code").plan(experiment);
  }
}
