package dev.glora.api;

import dev.glora.GloraException;
import dev.glora.experiment.Experiment;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.experiment.SourceSpec;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Models that an experiment of glora makes and others start from: {@code model: run:FILE.yaml}.
 *
 * <p>The named experiment has one run. Its id, which its key is part of, takes the file's place in
 * what depends on it, so that another pre-training gives other runs. The merged model is kept in
 * the cache under that id: it is trained once, whichever folder of runs asks for it.
 */
final class ModelRuns {
  private static final String KIND = "run:";
  private static final String FILE = ".yaml";
  private static final String FOLDER = "runs";

  private final Planner planner;
  private final Path cache;
  private final Map<String, PlannedRun> named = new LinkedHashMap<>();

  /**
   * Begins with no model.
   *
   * @param planner plans the named experiments, too
   * @param settings says where the cache is
   */
  ModelRuns(Planner planner, Settings settings) {
    this.planner = planner;
    this.cache = settings.cache();
  }

  /**
   * Plans an experiment, with the runs of the models that it names resolved.
   *
   * @param file the experiment file
   * @param overrides settings laid over it
   * @return its runs; those of its models are in {@link #missing}
   */
  List<PlannedRun> plan(Path file, List<String> overrides) {
    return plan(file, overrides, List.of());
  }

  private List<PlannedRun> plan(Path file, List<String> overrides, List<Path> asking) {
    List<Experiment> variants = new ArrayList<>();
    for (Experiment variant : ExperimentReader.read(file, overrides)) {
      variants.add(resolved(variant, file, asking));
    }
    return planner.plan(variants);
  }

  private Experiment resolved(Experiment experiment, Path file, List<Path> asking) {
    String source = experiment.model().source();
    if (!source.startsWith(KIND) || !source.endsWith(FILE)) {
      return experiment;
    }
    PlannedRun run = named.get(source);
    if (run == null) {
      List<Path> chain = new ArrayList<>(asking);
      chain.add(file.toAbsolutePath().normalize());
      Path other = Path.of(source.substring(KIND.length()));
      if (chain.contains(other.toAbsolutePath().normalize())) {
        throw GloraException.usage(
            file
                + " takes its model from "
                + other
                + ", which takes its own from it; name another"
                + " model in one of them.");
      }
      List<PlannedRun> plan = plan(other, List.of(), chain);
      if (plan.size() != 1) {
        throw GloraException.usage(
            file
                + " takes its model from "
                + other
                + ", which has "
                + plan.size()
                + " runs, expected one: give it one method and one seed.");
      }
      run = plan.get(0);
      named.put(source, run);
    }
    return experiment.withModel(new SourceSpec(KIND + run.id(), null));
  }

  /**
   * The runs whose models are not in the cache yet.
   *
   * @return in the order in which they must be done
   */
  List<PlannedRun> missing() {
    return named.values().stream().filter(run -> !Files.isDirectory(place(run))).toList();
  }

  /**
   * Makes the models that are missing.
   *
   * @param settings where things are
   * @param store the store that their runs are in
   */
  void make(Settings settings, RunStore store) {
    for (PlannedRun run : missing()) {
      settings
          .notes()
          .accept("The model comes from the run " + run.id() + ", which is done first.");
      new Execution(settings, store).run(List.of(run), "the same command");
      RunRow row = store.find(run.id()).orElseThrow();
      if (row.status() != RunStatus.FINISHED) {
        throw GloraException.failed(
            "The model's run " + run.id() + " is not finished: " + row.reason());
      }
      keep(settings, store, row, place(run));
    }
  }

  private Path place(PlannedRun run) {
    return cache.resolve(FOLDER).resolve(run.id());
  }

  /** Copies the merged model into the cache, as a whole or not at all. */
  private static void keep(Settings settings, RunStore store, RunRow row, Path place) {
    Path copy = place.resolveSibling(".tmp-" + row.id() + "-" + ProcessHandle.current().pid());
    try {
      Files.createDirectories(place.getParent());
      new Export(store, settings.runs(), row).write("hf", null, copy);
      if (!Files.isDirectory(place)) {
        Files.move(copy, place);
      }
    } catch (IOException e) {
      throw GloraException.failed(
          "The model of the run " + row.id() + " cannot be kept in " + place + ": " + e, e);
    }
  }
}
