package dev.glora.run;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.MethodSpec;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Does runs: one after the other in this process, or as many at once as there are workers. A worker
 * that finds no run left helps with the searches of the others.
 *
 * <p>What a run gives depends neither on the number of workers nor on who did what: a step is a
 * function of weights and index, and the results of a generation go to the strategy together, in
 * the order in which it was asked.
 */
public final class ExperimentRunner {
  private final RunStore store;
  private final Path runs;
  private final Path cache;
  private final Workers workers;
  private final RunnerOptions options;
  private final RunListener listener;
  private final CancelToken cancel;
  private final Duration beat;
  private final Set<MethodSpec> checked = ConcurrentHashMap.newKeySet();

  /**
   * Makes a runner that computes in this process. Store and interpreter stay the caller's to close.
   *
   * @param store the store of the runs
   * @param runs folder of the runs
   * @param cache folder of models and prepared data
   * @param python a running interpreter
   * @param listener is told how the runs go on
   * @param cancel stops them between two steps
   */
  public ExperimentRunner(
      RunStore store,
      Path runs,
      Path cache,
      PythonRuntime python,
      RunListener listener,
      CancelToken cancel) {
    this(store, runs, cache, Workers.inline(python), RunnerOptions.DEFAULT, listener, cancel);
  }

  /**
   * Makes a runner. Store and workers stay the caller's to close.
   *
   * @param store the store of the runs
   * @param runs folder of the runs
   * @param cache folder of models and prepared data
   * @param workers who computes
   * @param options how much it bears
   * @param listener is told how the runs go on
   * @param cancel stops them between two steps
   */
  public ExperimentRunner(
      RunStore store,
      Path runs,
      Path cache,
      Workers workers,
      RunnerOptions options,
      RunListener listener,
      CancelToken cancel) {
    this(store, runs, cache, workers, options, listener, cancel, Heartbeat.BEAT);
  }

  ExperimentRunner(
      RunStore store,
      Path runs,
      Path cache,
      Workers workers,
      RunnerOptions options,
      RunListener listener,
      CancelToken cancel,
      Duration beat) {
    this.beat = beat;
    this.store = store;
    this.runs = runs;
    this.cache = cache;
    this.workers = workers;
    this.options = options;
    this.listener = listener;
    this.cancel = cancel;
  }

  /**
   * Gives a failed run all its attempts again.
   *
   * @param store the store of the run
   * @param run the run's id
   */
  public static void resetAttempts(RunStore store, String run) {
    Attempts.reset(store, run);
  }

  /**
   * Has a run that repeats another one cut its batches as that one had to where memory ran out.
   *
   * @param from the store of the original
   * @param original its id
   * @param store the store of the repetition
   * @param run the repetition
   */
  public static void repeatMicroBatch(
      RunStore from, String original, RunStore store, PlannedRun run) {
    int rows = new Attempts(from, original, 0).microBatch();
    if (rows > 0) {
      store.upsert(run);
      Attempts.microBatch(store, run.id(), rows);
    }
  }

  /**
   * Does the runs that are not finished. A run that fails does not keep the others from being done.
   *
   * @param plan the runs, in order
   * @return how each of them ended, in the same order
   * @throws GloraException if the experiment or the machine is not usable, or on a cancel; the
   *     state is saved, and runs that others were at are at their end
   */
  public List<RunOutcome> run(List<PlannedRun> plan) {
    workers.require(plan);
    plan.forEach(store::upsert);
    Duration patience = options.patience().orElse(RunnerOptions.PATIENCE);
    try (Heartbeat heartbeat = new Heartbeat(store.leases(), patience, cancel, beat)) {
      int attempts = options.attempts().orElse(RunnerOptions.ATTEMPTS);
      Premises premises = new Premises(store, runs, cache, workers, heartbeat, attempts, cancel);
      Queue queue = new Queue(plan);
      if (workers.all().size() == 1) {
        work(workers.all().get(0), queue, premises, listener);
      } else {
        together(queue, premises);
      }
      return queue.outcomes();
    } finally {
      workers.recall();
    }
  }

  private void together(Queue queue, Premises premises) {
    List<Thread> threads = new ArrayList<>();
    for (Worker worker : workers.all()) {
      Thread thread =
          new Thread(() -> work(worker, queue, premises, null), "glora-" + worker.name());
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        // The loops end between two steps.
        cancel.cancel(ExitCode.INTERRUPTED.code());
        Thread.currentThread().interrupt();
        throw cancel.exception();
      }
    }
  }

  private void work(Worker worker, Queue queue, Premises premises, RunListener alone) {
    try {
      for (int next = queue.take(worker); next >= 0; next = queue.take(worker)) {
        PlannedRun run = queue.plan.get(next);
        RunListener told = alone == null ? listener.of(run.id()) : alone;
        queue.outcomes[next] =
            new RunAttempts(run, premises, told)
                .run(worker, context -> new RunStages(context, checked, queue.plan));
      }
    } catch (RuntimeException | Error e) {
      queue.end(e);
    } finally {
      workers.spare(worker);
    }
  }

  /** The runs that nobody has begun, and what ends them all. */
  private final class Queue {
    private final List<PlannedRun> plan;
    private final RunOutcome[] outcomes;
    private final boolean[] taken;
    private Throwable end;

    private Queue(List<PlannedRun> plan) {
      this.plan = plan;
      this.outcomes = new RunOutcome[plan.size()];
      this.taken = new boolean[plan.size()];
    }

    /** The next run that a worker may do, or −1. */
    private synchronized int take(Worker worker) {
      for (int i = 0; i < taken.length && end == null; i++) {
        if (!taken[i] && Workers.fits(worker, plan.get(i))) {
          cancel.check();
          taken[i] = true;
          return i;
        }
      }
      return -1;
    }

    private synchronized void end(Throwable error) {
      if (end == null) {
        end = error;
      } else if (error != end) {
        end.addSuppressed(error);
      }
    }

    private synchronized List<RunOutcome> outcomes() {
      if (end instanceof Error fatal) {
        throw fatal;
      }
      Optional.ofNullable((RuntimeException) end)
          .ifPresent(
              e -> {
                throw e;
              });
      return Arrays.asList(outcomes);
    }
  }
}
