package dev.glora.plan;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.Liveness;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Holds planned runs against a store. Changes nothing in it. */
public final class RunPlan {
  private RunPlan() {}

  /**
   * Says what is to be done about each run.
   *
   * @param store the store, or nothing where there is none yet
   * @param runs folder of the runs
   * @param plan the runs
   * @return an entry for each, in the same order
   */
  public static List<PlanEntry> of(Optional<RunStore> store, Path runs, List<PlannedRun> plan) {
    List<PlanEntry> entries = new ArrayList<>();
    Optional<Estimator> estimator = store.map(Estimator::new);
    for (PlannedRun run : plan) {
      entries.add(
          store.isEmpty()
              ? new PlanEntry(run, PlanEntry.State.TO_DO, "new", Estimate.UNKNOWN)
              : entry(store.get(), runs, run, estimator.orElseThrow()));
    }
    return entries;
  }

  private static PlanEntry entry(RunStore store, Path runs, PlannedRun run, Estimator estimator) {
    Optional<RunRow> row = store.find(run.id());
    if (row.isEmpty() || row.get().status() == RunStatus.PLANNED) {
      Optional<RunRow> before = store.before(run);
      boolean again = before.map(b -> b.status() == RunStatus.FINISHED).orElse(false);
      String reason = before.map(b -> "changed since " + Reasons.changed(b, run)).orElse("new");
      return new PlanEntry(
          run, again ? PlanEntry.State.AGAIN : PlanEntry.State.TO_DO, reason, estimator.of(run));
    }
    String at = store.lastStage(run.id()).map(stage -> " at " + stage).orElse("");
    return switch (Liveness.status(store, runs, row.get())) {
      case FINISHED ->
          Files.isDirectory(runs.resolve(run.id()))
              ? new PlanEntry(
                  run, PlanEntry.State.DONE, "done, an equal run is finished", Estimate.NONE)
              : new PlanEntry(
                  run, PlanEntry.State.AGAIN, "done again, its folder is gone", estimator.of(run));
      case RUNNING ->
          new PlanEntry(
              run,
              PlanEntry.State.AT_WORK,
              "at work in another process" + at,
              left(store, run, estimator));
      case FAILED ->
          new PlanEntry(
              run,
              PlanEntry.State.GOES_ON,
              "goes on" + at + ", it failed: " + row.get().reason(),
              left(store, run, estimator));
      default ->
          new PlanEntry(run, PlanEntry.State.GOES_ON, "goes on" + at, left(store, run, estimator));
    };
  }

  private static Estimate left(RunStore store, PlannedRun run, Estimator estimator) {
    return estimator.of(run).less(Estimator.seconds(store.sections(run.id()).path("timings")));
  }

  /**
   * Writes a plan as JSON.
   *
   * @param entries the plan
   * @return {@code experiment}; {@code runs}, each with {@code run}, {@code key}, {@code label},
   *     {@code method}, {@code seed}, {@code variant}, {@code state}, {@code reason}, {@code
   *     seconds} (null where unknown), {@code estimate} and {@code basis}; {@code counts} by state;
   *     {@code seconds} of the runs that are known together, and how many are {@code unknown}
   */
  public static ObjectNode document(List<PlanEntry> entries) {
    ObjectNode document = Json.object().put("experiment", entries.get(0).run().experiment().name());
    Map<String, Integer> counts = new TreeMap<>();
    double sum = 0;
    int unknown = 0;
    for (PlanEntry entry : entries) {
      PlannedRun run = entry.run();
      Estimate estimate = entry.estimate();
      counts.merge(entry.state().word(), 1, Integer::sum);
      ObjectNode line =
          document
              .withArray("runs")
              .addObject()
              .put("run", run.id())
              .put("key", run.key())
              .put("label", run.method().label())
              .put("method", run.method().method())
              .put("seed", run.seed())
              .put("variant", run.variant())
              .put("state", entry.state().word())
              .put("reason", entry.reason());
      if (estimate.seconds().isPresent()) {
        line.put("seconds", estimate.seconds().getAsDouble());
        sum += estimate.seconds().getAsDouble();
      } else {
        line.putNull("seconds");
        unknown++;
      }
      line.put("estimate", estimate.words()).put("basis", estimate.basis());
    }
    document.set("counts", Json.MAPPER.valueToTree(counts));
    return document.put("seconds", sum).put("unknown", unknown);
  }
}
