package dev.glora.bridge.jep;

import dev.glora.bridge.PythonTask;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A task on its way through the owner thread.
 *
 * @param <T> the task's result
 */
final class Job<T> {

  final PythonTask<T> task;
  final boolean interruptible;
  final CompletableFuture<T> future = new CompletableFuture<>();

  /** The interruptions sent to this job, each complete once CPython knows of it. */
  final List<CompletableFuture<Void>> interruptions = new ArrayList<>();

  Job(PythonTask<T> task, boolean interruptible) {
    this.task = task;
    this.interruptible = interruptible;
  }
}
