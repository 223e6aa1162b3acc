import dev.glora.Json;
import dev.glora.experiment.Experiment;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.search.Limits;
import dev.glora.search.ParameterCount;
import dev.glora.search.Proposal;
import dev.glora.search.Result;
import dev.glora.search.SearchSpace;
import dev.glora.search.Site;
import dev.glora.search.Strategy;
import dev.glora.search.Structure;
import dev.glora.store.Lease;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * glora's side of trial_overhead.py: a search over the quickstart's 36 sites with an objective that
 * costs nothing. Prints the seconds of a trial: ask, look for an equal evaluation, enter it, tell;
 * every trial is on the disk before the next one begins.
 *
 * <p>Arguments: a folder for the store, generations of 50 trials, whether each trial takes a lease.
 */
final class TrialOverhead {
  private static final String EXPERIMENT =
      """
      version: 1
      name: overhead
      model: "local:/none"
      task: {source: "local:/none", domain: none}
      methods:
        - method: glora
          ranks: [1, 2, 3, 4, 5, 6, 7, 8]
          forms: {A: [none], B: [none, lora], C: [none], D: [none], E: [none, vector]}
          max_parameters: 165888
          search: {strategy: evolution}
      """;

  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    int generations = Integer.parseInt(arguments[1]);
    boolean leases = Boolean.parseBoolean(arguments[2]);
    Experiment experiment =
        ExperimentReader.parse(
            EXPERIMENT,
            "overhead.yaml",
            List.of("methods.glora.search.generations=" + (generations - 1)));
    GloraSpec spec = (GloraSpec) experiment.methods().get(0);
    PlannedRun run = new Planner("overhead").plan(experiment).get(0);
    try (RunStore store = RunStore.open(folder)) {
      store.upsert(run);
      long begin = System.nanoTime();
      int trials = search(store, run, spec, leases);
      System.out.println((System.nanoTime() - begin) / 1e9 / trials);
    }
  }

  private static int search(RunStore store, PlannedRun run, GloraSpec spec, boolean leases) {
    SearchSpace space = new SearchSpace(sites(), spec.ranks(), spec.forms(), spec.aProduct());
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, spec.maxParameters());
    Strategy strategy = Strategy.of(space, limits, spec.search(), 0, Optional.empty());
    int trials = 0;
    int generation = 0;
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      List<Result> results = new ArrayList<>();
      for (int i = 0; i < asked.size(); i++) {
        Structure structure = asked.get(i).structure();
        String key = Json.digest(Json.object().put("structure", structure.digest(space)));
        Lease lease = null;
        if (leases) {
          lease =
              store
                  .leases()
                  .acquire(run.id(), run.id() + "/" + key, "worker", Duration.ofMinutes(1))
                  .orElseThrow();
        }
        double accuracy = (structure.hashCode() & 0xffff) / 65536.0;
        if (store.trial(key).isEmpty()) {
          RunStore own = lease == null ? store : store.under(lease);
          long stored = space.count(structure, ParameterCount.STORED);
          long folded = space.count(structure, ParameterCount.FOLDED);
          own.addTrial(
              new Trial(
                  run.id(),
                  generation,
                  i,
                  key,
                  structure.base64(),
                  accuracy,
                  1 - accuracy,
                  stored,
                  stored,
                  folded,
                  asked.get(i).origin()));
        }
        if (lease != null) {
          store.leases().release(lease);
        }
        results.add(new Result(structure, accuracy, 1 - accuracy));
        trials++;
      }
      strategy.tell(results);
      generation++;
    }
    return trials;
  }

  private static List<Site> sites() {
    List<Site> sites = new ArrayList<>();
    for (int layer = 0; layer < 6; layer++) {
      for (int linear = 0; linear < 6; linear++) {
        int in = linear == 5 ? 1536 : 384;
        int out = linear == 4 ? 1536 : 384;
        sites.add(new Site("layer" + layer + "." + linear, in, out, true, Set.of()));
      }
    }
    return sites;
  }
}
