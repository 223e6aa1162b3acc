package dev.glora.bridge.spi;

import dev.glora.bridge.PythonTask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/**
 * A task on its way through the owner thread.
 *
 * @param <T> the task's result
 */
final class Job<T> {

  final PythonTask<T> task;
  final boolean interruptible;

  /** How long it may run, counted from its start; null for no limit. */
  final Duration limit;

  final PythonFuture<T> future;

  /** The interruptions sent to this job, each complete once the interpreter knows of it. */
  final List<CompletableFuture<Void>> interruptions = new ArrayList<>();

  /** Set once the limit was reached. */
  volatile boolean overdue;

  /** The clock that watches the limit; null without one. */
  Future<?> clock;

  Job(PythonTask<T> task, boolean interruptible, Duration limit, OwnerThread owner) {
    this.task = task;
    this.interruptible = interruptible;
    this.limit = limit;
    this.future = new PythonFuture<>(owner, this);
  }
}
