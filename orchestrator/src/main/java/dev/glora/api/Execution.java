package dev.glora.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.Json;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.plan.Estimate;
import dev.glora.plan.PlanEntry;
import dev.glora.plan.RunPlan;
import dev.glora.report.Reports;
import dev.glora.report.RunDocument;
import dev.glora.run.ExperimentRunner;
import dev.glora.run.RunListener;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Does planned runs: says why, starts Python if there is anything to do, runs, reports. */
final class Execution {
  private final Settings settings;
  private final RunStore store;

  Execution(Settings settings, RunStore store) {
    this.settings = settings;
    this.store = store;
  }

  /**
   * Does the runs.
   *
   * @param plan runs of one experiment
   * @param again what a user types to go on after an interruption
   * @return its runs
   */
  Answer run(List<PlannedRun> plan, String again) {
    List<PlannedRun> todo = new ArrayList<>();
    for (PlanEntry entry : RunPlan.of(Optional.of(store), settings.runs(), plan)) {
      PlannedRun run = entry.run();
      RunRow row = store.upsert(run);
      if (row.status() == RunStatus.FINISHED && entry.state() == PlanEntry.State.AGAIN) {
        store.restart(run.id());
        store.status(run.id(), RunStatus.PLANNED, entry.reason());
      }
      settings.notes().accept(run.id() + ": " + entry.reason() + left(entry));
      if (entry.state() != PlanEntry.State.DONE) {
        todo.add(run);
      }
    }
    ExitCode code = todo.isEmpty() ? ExitCode.DONE : work(todo, again);
    return report(plan, code);
  }

  private static String left(PlanEntry entry) {
    Estimate estimate = entry.estimate();
    boolean known = entry.state() != PlanEntry.State.DONE && estimate.seconds().isPresent();
    return known ? " (" + estimate.words() + ", " + estimate.basis() + ")" : "";
  }

  private ExitCode work(List<PlannedRun> todo, String again) {
    RunListener listener = settings.listener();
    EventFile events =
        settings.events() == null ? null : new EventFile(listener, settings.events());
    if (events != null) {
      store.onCommit(events::commit);
    }
    settings.notes().accept("Starting Python and PyTorch …");
    try (PythonRuntime python =
        PythonRuntime.open(config(settings, todo.get(0).experiment().runtime().threads()))) {
      settings.pythonStarted().run();
      boolean failed =
          new ExperimentRunner(
                  store,
                  settings.runs(),
                  settings.cache(),
                  python,
                  new StageEvents(events == null ? listener : events, store),
                  settings.cancel())
              .run(todo).stream().anyMatch(outcome -> outcome.status() != RunStatus.FINISHED);
      return failed ? ExitCode.FAILED : ExitCode.DONE;
    } finally {
      listener.end();
      if (events != null) {
        store.onCommit((run, what, done) -> {});
        events.close();
      }
      if (settings.cancel().cancelled()) {
        listener.message("To go on where it was: " + again + one(todo));
      }
    }
  }

  /** The command that goes on with the stopped run alone, where that is not all there is to do. */
  private String one(List<PlannedRun> todo) {
    for (PlannedRun run : todo) {
      if (todo.size() > 1 && store.find(run.id()).orElseThrow().status() == RunStatus.INTERRUPTED) {
        return ", or glora resume " + run.id() + " for this run alone";
      }
    }
    return "";
  }

  /**
   * The configuration that every use of Python in this process shares: there is one interpreter.
   *
   * @param settings names the executable
   * @param count torch's threads
   */
  static PythonConfig config(Settings settings, int count) {
    String threads = String.valueOf(count);
    PythonConfig.Builder builder =
        PythonConfig.builder(settings.python())
            // Read once, when torch loads its libraries; they decide the last bits of every sum.
            .environment("OMP_NUM_THREADS", threads)
            .environment("MKL_NUM_THREADS", threads)
            // Waiting threads sleep: spinning costs 3 % less on an idle machine, and many times the
            // step on a busy one.
            .environment("OMP_WAIT_POLICY", "PASSIVE")
            // Its threads would be forked away from under the JVM.
            .environment("TOKENIZERS_PARALLELISM", "false");
    settings.modules().forEach(builder::modulePath);
    return builder.build();
  }

  private Answer report(List<PlannedRun> plan, ExitCode code) {
    Path runs = settings.runs();
    String name = plan.get(0).experiment().name();
    List<String> ids = plan.stream().map(PlannedRun::id).toList();
    for (PlannedRun run : plan) {
      if (store.find(run.id()).orElseThrow().status() == RunStatus.FINISHED) {
        Reports.writeRun(store, runs, run.id());
      }
    }
    Path file = Reports.writeExperiment(store, runs, name, ids);
    ObjectNode document = Json.object().put("experiment", name).put("report", file.toString());
    ids.forEach(
        id ->
            document
                .withArray("runs")
                .add(RunDocument.of(store, runs, store.find(id).orElseThrow())));
    String text = Reports.experiment(store, runs, name, ids).text();
    return new Answer(code, document, "\n" + text + "\nReport: " + file + "\n");
  }
}
