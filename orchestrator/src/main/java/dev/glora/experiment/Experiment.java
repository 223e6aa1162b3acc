package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.util.List;

/**
 * What an experiment file says, with every default filled in: one variant of it where it has a
 * matrix.
 *
 * @param name name of the experiment, part of each run's id
 * @param seeds seeds of the runs
 * @param runtime where and how PyTorch computes
 * @param model the pre-trained model
 * @param task what is learnt
 * @param training shared settings of every training loop
 * @param methods ways of adapting the model
 * @param evaluate questions for merged language models, after test
 * @param variant what the file's matrix set in this variant, empty where it has none
 * @param resolved the same as JSON with sorted keys, defaults included
 */
public record Experiment(
    String name,
    List<Long> seeds,
    RuntimeSpec runtime,
    SourceSpec model,
    TaskSpec task,
    TrainingSpec training,
    List<MethodSpec> methods,
    List<BenchmarkSpec> evaluate,
    List<Setting> variant,
    JsonNode resolved) {
  /** Copies the lists. */
  public Experiment {
    seeds = List.copyOf(seeds);
    methods = List.copyOf(methods);
    evaluate = List.copyOf(evaluate);
    variant = List.copyOf(variant);
  }

  /**
   * The same with another model.
   *
   * @param source the model
   * @return a copy
   */
  public Experiment withModel(SourceSpec source) {
    ObjectNode changed = resolved.deepCopy();
    changed.putObject("model").put("sha256", source.sha256()).put("source", source.source());
    return ExperimentMapper.experiment(Json.sorted(changed), variant);
  }
}
