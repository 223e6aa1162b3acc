package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans the runs of an experiment: each method with each seed.
 *
 * <p>A run's key is the SHA-256 of the canonical JSON of its own small experiment: name, shared
 * blocks, this method alone, this seed alone, and the digest of the code. Another method or another
 * seed changes nothing of it.
 */
public final class Planner {
  private static final int SHORT_KEY = 8;

  private final String code;

  /**
   * Makes a planner.
   *
   * @param code digest of all code that a result depends on
   */
  public Planner(String code) {
    this.code = code;
  }

  /**
   * Plans the runs.
   *
   * @param experiment an experiment
   * @return its runs, by seed and then in the order of the methods
   */
  public List<PlannedRun> plan(Experiment experiment) {
    List<PlannedRun> runs = new ArrayList<>();
    for (long seed : experiment.seeds()) {
      for (int i = 0; i < experiment.methods().size(); i++) {
        runs.add(run(experiment, i, seed));
      }
    }
    return runs;
  }

  /**
   * Plans a stored run again.
   *
   * @param resolved what {@link PlannedRun#resolved} was
   * @return the run as this code plans it; its key differs from the stored one when the code does
   */
  public PlannedRun replan(JsonNode resolved) {
    ObjectNode given = resolved.deepCopy();
    given.remove("code");
    Experiment experiment = ExperimentMapper.experiment(Defaults.resolve(given));
    return run(experiment, 0, experiment.seeds().get(0));
  }

  private PlannedRun run(Experiment experiment, int index, long seed) {
    MethodSpec method = experiment.methods().get(index);
    ObjectNode resolved = experiment.resolved().deepCopy();
    resolved.set("methods", Json.array().add(experiment.resolved().get("methods").get(index)));
    resolved.set("seeds", Json.array().add(seed));
    // The shared training block has done its work in the method's own ones.
    resolved.set("training", resolved.get("methods").get(0).get("training"));
    resolved.put("code", code);
    JsonNode sorted = Json.sorted(resolved);
    String key = Json.digest(sorted);
    String id =
        experiment.name() + "-" + method.label() + "-s" + seed + "-" + key.substring(0, SHORT_KEY);
    return new PlannedRun(id, key, experiment, method, seed, sorted);
  }
}
