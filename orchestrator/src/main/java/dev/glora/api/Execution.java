package dev.glora.api;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.Json;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.RuntimeSpec;
import dev.glora.plan.Estimate;
import dev.glora.plan.PlanEntry;
import dev.glora.plan.RunPlan;
import dev.glora.report.Reports;
import dev.glora.report.RunDocument;
import dev.glora.run.Device;
import dev.glora.run.ExperimentRunner;
import dev.glora.run.RunListener;
import dev.glora.run.RunnerOptions;
import dev.glora.run.Workers;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Does planned runs: says why, starts Python if there is anything to do, runs, reports. */
final class Execution {
  /** Torch's threads in this process, which has one interpreter; 0 until that is started. */
  private static final AtomicInteger INLINE_THREADS = new AtomicInteger();

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
    RuntimeSpec runtime = todo.get(0).experiment().runtime();
    RunnerOptions options = settings.runner().over(runtime);
    if (options.workers().isEmpty() && !inline(todo)) {
      options = options.withOneWorker();
    }
    try (PythonRuntime python = options.workers().isPresent() ? null : start(runtime.threads());
        Workers workers = python == null ? local(options) : Workers.inline(python)) {
      boolean failed =
          new ExperimentRunner(
                  store,
                  settings.runs(),
                  settings.cache(),
                  workers,
                  options,
                  events == null ? listener : events,
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

  /** Whether this process can do them all: its interpreter has one number of threads for life. */
  private static boolean inline(List<PlannedRun> todo) {
    int own = INLINE_THREADS.get();
    int threads = own == 0 ? threads(todo.get(0)) : own;
    return todo.stream().allMatch(run -> threads(run) == threads);
  }

  private static int threads(PlannedRun run) {
    return run.experiment().runtime().threads();
  }

  private PythonRuntime start(int threads) {
    settings.notes().accept("Starting Python and PyTorch …");
    PythonRuntime python = open(settings, threads);
    settings.pythonStarted().run();
    return python;
  }

  /**
   * Starts this process's interpreter, or takes it where it runs.
   *
   * @param settings names the executable
   * @param threads torch's threads, the same for the life of the process
   */
  static PythonRuntime open(Settings settings, int threads) {
    PythonRuntime python = PythonRuntime.open(config(settings, threads).build());
    INLINE_THREADS.set(threads);
    return python;
  }

  private Workers local(RunnerOptions options) {
    List<Device> devices = options.devices().orElseThrow();
    settings
        .notes()
        .accept(
            "Starting "
                + devices.size()
                + (devices.size() == 1 ? " worker (" : " workers (")
                + devices.stream().map(Device::toString).distinct().collect(joining(", "))
                + (devices.contains(Device.ANY) ? " device) …" : ") …"));
    return Workers.local(devices, threads -> config(settings, threads));
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
   * The configuration that every use of Python shares: of this process, in which there is one
   * interpreter, and of workers.
   *
   * @param settings names the executable
   * @param count torch's threads
   */
  static PythonConfig.Builder config(Settings settings, int count) {
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
    return builder;
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
