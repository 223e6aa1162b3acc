package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Plans the runs of an experiment: each method with each seed in each variant.
 *
 * <p>A run's key is the SHA-256 of the canonical JSON of its own small experiment: name, shared
 * blocks, this method alone, this seed alone, and the digest of the code. Another method or another
 * seed changes nothing of it.
 */
public final class Planner {
  private static final int SHORT_KEY = 8;
  private static final int MOST_RUNS = 100_000;

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
   * Plans the runs of an experiment without a matrix.
   *
   * @param experiment an experiment
   * @return its runs, by seed and then in the order of the methods
   */
  public List<PlannedRun> plan(Experiment experiment) {
    return plan(List.of(experiment));
  }

  /**
   * Plans the runs of an experiment.
   *
   * @param variants the experiment's variants
   * @return its runs, by seed, then by variant, then in the order of the methods; variants that
   *     differ in nothing that concerns a method share its run
   */
  public List<PlannedRun> plan(List<Experiment> variants) {
    long runs = 0;
    for (Experiment variant : variants) {
      runs += (long) variant.seeds().size() * variant.methods().size();
    }
    if (runs > MOST_RUNS) {
      throw GloraException.usage(
          "The experiment "
              + variants.get(0).name()
              + " has "
              + runs
              + " runs (variant × method × seed), expected at most "
              + MOST_RUNS
              + "; run parts of it.");
    }
    Map<String, PlannedRun> byKey = new LinkedHashMap<>();
    for (long seed : variants.get(0).seeds()) {
      for (Experiment variant : variants) {
        for (int i = 0; i < variant.methods().size(); i++) {
          PlannedRun run = run(variant, i, seed);
          byKey.putIfAbsent(run.key(), run);
        }
      }
    }
    return List.copyOf(byKey.values());
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
    Experiment experiment = ExperimentMapper.experiment(Defaults.resolveStored(given), List.of());
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
    // Who does it changes nothing of what comes out.
    ((ObjectNode) resolved.get("runtime")).remove(List.of("workers", "devices", "attempts"));
    JsonNode sorted = Json.sorted(resolved);
    String key = Json.digest(sorted);
    String id =
        experiment.name() + "-" + method.label() + "-s" + seed + "-" + key.substring(0, SHORT_KEY);
    return new PlannedRun(id, key, experiment, method, variant(experiment, index), seed, sorted);
  }

  /** Words what the matrix set that concerns a method: not the keys of the other methods. */
  private static String variant(Experiment experiment, int method) {
    List<String> words = new ArrayList<>();
    for (Setting setting : experiment.variant()) {
      String own = "/methods/" + method + "/";
      if (!setting.pointer().startsWith("/methods/")) {
        words(setting.key(), setting.value(), words);
      } else if ((setting.pointer() + "/").startsWith(own)) {
        String below = (setting.pointer() + "/").substring(own.length());
        words(below.replaceAll("/$", "").replace('/', '.'), setting.value(), words);
      }
    }
    return String.join(", ", words);
  }

  private static void words(String key, JsonNode value, List<String> out) {
    if (value.isObject()) {
      value
          .properties()
          .forEach(
              entry ->
                  words(
                      key.isEmpty() ? entry.getKey() : key + "." + entry.getKey(),
                      entry.getValue(),
                      out));
    } else {
      String text = value.isTextual() ? value.textValue() : Json.text(value);
      out.add(key + "=" + Words.shorten(text));
    }
  }
}
