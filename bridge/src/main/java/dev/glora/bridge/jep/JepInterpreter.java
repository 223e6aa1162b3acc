package dev.glora.bridge.jep;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonSession;
import dev.glora.bridge.PythonTask;
import dev.glora.bridge.RuntimeInfo;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The interpreter, the thread that owns it and the queue before it.
 *
 * <p>An interruption is a Python exception that another thread plants in the owner's; CPython
 * raises it there some bytecodes later. Two rules keep it from striking the wrong work. It is
 * planted only for the job that is current, under a lock. And a job that was interrupted ends only
 * after the planting is done and {@link JepPython#drain} has given a late one the time to strike,
 * so nothing of it reaches the next job.
 */
final class JepInterpreter {

  /** Java's default stack overflows in deep Python recursion. */
  private static final long STACK_BYTES = 64L << 20;

  private static final long START_SECONDS = 120;
  private static final long OUTPUT_SECONDS = 2;

  private final LinkedTransferQueue<Job<?>> queue = new LinkedTransferQueue<>();
  private final Set<Long> handedOver = ConcurrentHashMap.newKeySet();
  private final RuntimeInfo info;
  private final Thread owner;
  private final Interrupter interrupter = new Interrupter();
  private final CompletableFuture<JepPython> started = new CompletableFuture<>();
  private final Object lock = new Object();

  /** The job that runs now, or null; guarded by the lock. */
  private Job<?> current;

  private JepInterpreter(PythonConfig config, PythonInfo python) {
    info = new RuntimeInfo("jep", python.jepVersion(), python);
    owner = new Thread(null, () -> run(config, python), "python", STACK_BYTES);
    owner.setDaemon(true);
  }

  /** Starts CPython and waits until it is ready. */
  static JepInterpreter start(PythonConfig config, PythonInfo python) {
    JepInterpreter interpreter = new JepInterpreter(config, python);
    interpreter.owner.start();
    try {
      interpreter.started.get(START_SECONDS, TimeUnit.SECONDS);
      return interpreter;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause().toString(), e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException("it was not ready after " + START_SECONDS + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("waiting for it was interrupted", e);
    }
  }

  RuntimeInfo info() {
    return info;
  }

  /** Queues a task; on the owner thread, runs it at once, since waiting there would never end. */
  <T> CompletableFuture<T> submit(PythonTask<T> task) {
    return submit(new Job<>(task, true));
  }

  /** Queues work of the bridge's own, which no interruption may reach. */
  private <T> CompletableFuture<T> submitOwn(PythonTask<T> task) {
    return submit(new Job<>(task, false));
  }

  private <T> CompletableFuture<T> submit(Job<T> job) {
    if (Thread.currentThread() == owner) {
      runNested(job, started.join().session());
    } else {
      queue.add(job);
    }
    return job.future;
  }

  /** Plants an interruption in the current job; does not wait for it. */
  boolean interrupt() {
    synchronized (lock) {
      if (current == null || !current.interruptible) {
        return false;
      }
      JepPython python = started.join();
      current.interruptions.add(interrupter.send(python));
      return true;
    }
  }

  /** Asks Python which of these tensors it still uses; waits for the calls before. */
  Set<Long> stillExported(Collection<Long> ids) {
    Object[] asked = ids.stream().filter(handedOver::contains).toArray();
    if (asked.length == 0) {
      return Set.of();
    }
    List<?> answer = (List<?>) join(submitOwn(session -> started.join().exported(asked)));
    Set<Long> held = new HashSet<>();
    for (Object id : answer) {
      held.add((Long) id);
    }
    for (Object id : asked) {
      if (!held.contains((Long) id)) {
        handedOver.remove((Long) id);
      }
    }
    return held;
  }

  /** Logs lines that have no end yet; waits a moment only, for Python may be busy for hours. */
  void finishOutput() {
    CompletableFuture<Void> done =
        submitOwn(
            session -> {
              started.join().finishLines();
              return null;
            });
    try {
      done.get(OUTPUT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      done.cancel(false);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    }
  }

  private static <T> T join(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void run(PythonConfig config, PythonInfo python) {
    JepPython ready;
    try {
      ready = JepPython.start(config, python, handedOver::add);
    } catch (Throwable e) {
      started.completeExceptionally(e);
      return;
    }
    started.complete(ready);
    while (true) {
      Job<?> job;
      try {
        job = queue.take();
      } catch (InterruptedException e) {
        continue; // A stray Thread.interrupt() from a task; this thread ends with the process only.
      }
      if (!job.future.isDone()) {
        run(job, ready);
      }
    }
  }

  private <T> void run(Job<T> job, JepPython python) {
    synchronized (lock) {
      current = job;
    }
    T result = null;
    Throwable failure = null;
    try {
      result = job.task.run(python.session());
    } catch (Throwable e) {
      failure = e;
    }
    synchronized (lock) {
      current = null;
    }
    try {
      awaitInterruptions(job, python);
    } catch (Throwable e) {
      failure = failure == null ? e : failure;
    }
    complete(job, result, failure);
  }

  private static void awaitInterruptions(Job<?> job, JepPython python) {
    if (!job.interruptions.isEmpty()) {
      job.interruptions.forEach(CompletableFuture::join);
      python.drain();
    }
  }

  /** Runs a task inside the current job, whose interruptions are its own. */
  private static <T> void runNested(Job<T> job, PythonSession session) {
    try {
      complete(job, job.task.run(session), null);
    } catch (Throwable e) {
      complete(job, null, e);
    }
  }

  private static <T> void complete(Job<T> job, T result, Throwable failure) {
    if (failure == null) {
      job.future.complete(result);
    } else {
      job.future.completeExceptionally(failure);
    }
  }
}
