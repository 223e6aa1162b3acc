package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * Where the runs of one call compute: in this process, or in worker processes, each of which has a
 * device. A worker that has no run of its own is spare and helps with the searches of others.
 */
public final class Workers implements AutoCloseable {
  private final List<Worker> all;
  private final Deque<Worker> spare = new ArrayDeque<>();

  private Workers(List<Worker> all) {
    this.all = List.copyOf(all);
  }

  /**
   * One worker in this process.
   *
   * @param python a running interpreter, which stays the caller's to close
   * @return the worker
   */
  public static Workers inline(PythonRuntime python) {
    return new Workers(List.of(new Worker("inline", Device.ANY, false, threads -> python)));
  }

  /**
   * Workers in processes of their own, started when they are needed.
   *
   * @param devices a device for each
   * @param config configures Python for a number of torch's threads
   * @return the workers
   */
  public static Workers local(List<Device> devices, IntFunction<PythonConfig.Builder> config) {
    List<Worker> workers = new ArrayList<>();
    for (Device device : devices) {
      var variables = device.variables(System.getenv());
      IntFunction<PythonRuntime> opener =
          threads -> {
            PythonConfig.Builder builder = config.apply(threads).backend("worker");
            variables.forEach(builder::environment);
            return PythonRuntime.open(builder.build());
          };
      workers.add(new Worker("worker-" + (workers.size() + 1), device, true, opener));
    }
    return new Workers(workers);
  }

  List<Worker> all() {
    return all;
  }

  /**
   * Checks that every run has a worker that may do it.
   *
   * @param plan the runs
   * @throws GloraException naming a run whose device no worker has
   */
  void require(List<PlannedRun> plan) {
    for (PlannedRun run : plan) {
      if (all.stream().noneMatch(worker -> fits(worker, run))) {
        throw GloraException.usage(
            "The run "
                + run.id()
                + " computes on "
                + run.experiment().runtime().device()
                + " (runtime.device) and the workers have "
                + String.join(", ", all.stream().map(worker -> worker.device().toString()).toList())
                + ": name a device of its kind with --devices.");
      }
    }
  }

  static boolean fits(Worker worker, PlannedRun run) {
    return worker.device().fits(run.experiment().runtime().device());
  }

  /** Says that a worker has no run and finds none. */
  synchronized void spare(Worker worker) {
    spare.add(worker);
  }

  /** Says that no run is left: nobody is spare any more. */
  synchronized void recall() {
    spare.clear();
  }

  /** Takes a spare worker on a device of the same kind as another's. */
  synchronized Optional<Worker> takeSpare(Worker other) {
    for (Iterator<Worker> each = spare.iterator(); each.hasNext(); ) {
      Worker worker = each.next();
      if (worker.device().kind().equals(other.device().kind())) {
        each.remove();
        return Optional.of(worker);
      }
    }
    return Optional.empty();
  }

  /** Ends the worker processes. */
  @Override
  public void close() {
    all.forEach(Worker::close);
  }
}
