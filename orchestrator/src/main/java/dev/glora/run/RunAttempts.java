package dev.glora.run;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.files.AtomicFile;
import dev.glora.report.Reports;
import dev.glora.store.LeaseLostException;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.train.PythonCalls;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run, tried until it is done, has failed for good, or is stopped. */
final class RunAttempts {
  private static final Logger LOG = LoggerFactory.getLogger(RunAttempts.class);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

  private final PlannedRun run;
  private final Premises premises;
  private final RunStore store;
  private final RunListener listener;
  private final CancelToken cancel;
  private final Attempts attempts;

  RunAttempts(PlannedRun run, Premises premises, RunListener listener) {
    this.run = run;
    this.premises = premises;
    this.store = premises.store();
    this.listener = listener;
    this.cancel = premises.cancel();
    this.attempts = new Attempts(store, run.id(), premises.attempts());
  }

  /**
   * Does the run on a worker.
   *
   * @param worker the worker, which the caller has alone
   * @param stages makes the stages of an attempt
   * @return how it ended
   * @throws GloraException if the experiment or the machine is not usable, or on a cancel
   */
  RunOutcome run(Worker worker, Function<RunContext, RunStages> stages) {
    RunRow row = store.upsert(run);
    if (row.status() == RunStatus.FINISHED) {
      listener.message("The run " + run.id() + " is finished already.");
      if (!Files.exists(premises.runs().resolve(run.id()).resolve("report.md"))) {
        Reports.writeRun(store, premises.runs(), run.id());
      }
      return new RunOutcome(run, RunStatus.FINISHED, "");
    }
    try (RunFolder folder = RunFolder.lock(premises.runs(), run.id())) {
      RunLog log = RunLog.open(folder.path().resolve("run.log"), run.id());
      try {
        Optional<RunOutcome> outcome = attempt(worker, folder, stages);
        while (outcome.isEmpty()) {
          outcome = attempt(worker, folder, stages);
        }
        return outcome.get();
      } finally {
        log.close();
      }
    }
  }

  /** One attempt; nothing where another is to follow. */
  private Optional<RunOutcome> attempt(
      Worker worker, RunFolder folder, Function<RunContext, RunStages> stages) {
    HeldLease lease = premises.heartbeat().run(run.id(), worker);
    Optional<Attempts.Next> next;
    try (lease) {
      RunStore own = lease.under(store);
      RunContext context = null;
      try {
        own.status(run.id(), RunStatus.RUNNING, "");
        AtomicFile.write(folder.path().resolve("experiment.json"), Json.pretty(run.resolved()));
        PythonRuntime python = worker.python(run.experiment().runtime().threads());
        Post post = new Post(worker, python, lease, attempts.microBatch(), premises);
        context = new RunContext(run, own, folder, post, listener);
        stages.apply(context).run();
        folder
            .results()
            .forEach(file -> own.artifacts(premises.runs()).add(run.id(), folder.path(), file));
        own.status(run.id(), RunStatus.FINISHED, "");
        // After the status, which it shows; one that a kill prevented is written by the next call.
        Reports.writeRun(store, premises.runs(), run.id());
        LOG.info("The run {} is finished", run.id());
        return Optional.of(new RunOutcome(run, RunStatus.FINISHED, ""));
      } catch (RuntimeException | Error e) {
        FailureKind kind = FailureKind.of(e, lease.hung());
        if (kind != FailureKind.OTHER) {
          // Whatever it does next, this attempt's run or another, needs a process that works.
          worker.close();
        }
        // A lease that was taken off a hung worker is given to nobody while the folder is locked.
        RunStore write = lease.hung() ? store : own;
        GloraException ending = ending(e, lease);
        int rows = context == null ? 0 : context.rowsAtOnce();
        next = next(write, kind, ending, worker, rows, lease.progressed(), e);
        if (next.isEmpty()) {
          return Optional.of(ended(write, kind, ending, e));
        }
      }
    }
    pause(next.get().pause());
    return Optional.empty();
  }

  private static GloraException ending(Throwable error, HeldLease lease) {
    if (lease.hung()) {
      return GloraException.failed(lease.end().orElseThrow().sentence(), error);
    }
    return PythonCalls.translate(error);
  }

  private Optional<Attempts.Next> next(
      RunStore write,
      FailureKind kind,
      GloraException ending,
      Worker worker,
      int rows,
      boolean progress,
      Throwable error) {
    if (cancel.cancelled()) {
      return Optional.empty();
    }
    Optional<Attempts.Next> next;
    try {
      next = attempts.failed(write, kind, ending.sentence(), worker.name(), rows, progress);
      if (next.isPresent()) {
        String line =
            "The run " + run.id() + ": " + ending.sentence() + " Next: " + next.get().words() + ".";
        LOG.warn("{}", line, error);
        write.event(run.id(), "RETRY", line);
        listener.message(line);
      }
    } catch (LeaseLostException lost) {
      ending.addSuppressed(lost);
      return Optional.empty();
    }
    return next;
  }

  /** Waits, unless somebody wants to stop; the next look at the token says so. */
  private void pause(Duration pause) {
    long end = System.nanoTime() + pause.toNanos();
    while (!cancel.cancelled() && System.nanoTime() < end) {
      LockSupport.parkNanos(LOOK_AGAIN.toNanos());
    }
  }

  private RunOutcome ended(
      RunStore write, FailureKind kind, GloraException ending, Throwable error) {
    // A worker that ended while somebody stopped the runs is no failure of them.
    GloraException told =
        cancel.cancelled() && kind != FailureKind.OTHER ? cancel.exception() : ending;
    boolean stopped = told.code() == ExitCode.INTERRUPTED || told.code() == ExitCode.TERMINATED;
    if (stopped) {
      LOG.info("The run {} ends: {}", run.id(), told.sentence());
    } else {
      LOG.error("The run {} ends: {}", run.id(), told.sentence(), error);
      traceback(error).ifPresent(text -> LOG.error("Python's side of it:\n{}", text));
    }
    RunStatus status = stopped ? RunStatus.INTERRUPTED : RunStatus.FAILED;
    String reason = told.sentence() + (kind == FailureKind.OTHER || stopped ? "" : givenUp());
    try {
      write.status(run.id(), status, reason);
    } catch (LeaseLostException lost) {
      // Another process has the run, and says in the store where it stands.
      LOG.warn("{}", lost.sentence());
    } catch (GloraException e) {
      // A full disk takes both; the first one is what the user must know.
      told.addSuppressed(e);
      throw told;
    }
    if (told.code() != ExitCode.FAILED) {
      throw told;
    }
    listener.message("The run " + run.id() + " failed: " + reason);
    return new RunOutcome(run, RunStatus.FAILED, reason);
  }

  private String givenUp() {
    return " It was not tried again; glora retry " + run.id() + " does.";
  }

  private static Optional<String> traceback(Throwable error) {
    for (Throwable each = error; each != null; each = each.getCause()) {
      if (each instanceof PythonException python) {
        return Optional.of(python.traceback());
      }
    }
    return Optional.empty();
  }
}
