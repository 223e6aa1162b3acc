package dev.glora.bridge.spi;

import dev.glora.bridge.CancelledException;
import dev.glora.bridge.PythonTask;
import dev.glora.bridge.TimeLimitException;
import dev.glora.bridge.WorkerDiedException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongConsumer;

/**
 * The thread that owns an interpreter, and the queue before it.
 *
 * <p>An interruption is something that another thread plants in the interpreter and that strikes
 * there some moments later. Two rules keep it from striking the wrong work. It is planted only for
 * the job that is current, under a lock. And a job that was interrupted ends only after the
 * planting is done and {@link Engine#drain} has given a late one the time to strike, so nothing of
 * it reaches the next job.
 */
public final class OwnerThread {

  /** Java's default stack overflows in deep Python recursion. */
  private static final long STACK_BYTES = 64L << 20;

  private static final Duration START_LIMIT = Duration.ofMinutes(2);
  private static final long OUTPUT_SECONDS = 2;

  /** Code can swallow an interruption; what is over its time limit gets one this often. */
  private static final long AGAIN_MILLIS = 50;

  private static final ScheduledExecutorService CLOCK =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "python-time-limits");
            thread.setDaemon(true);
            return thread;
          });

  private final LinkedTransferQueue<Job<?>> queue = new LinkedTransferQueue<>();
  private final Set<Long> handedOver = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<Engine> started = new CompletableFuture<>();
  private final Thread thread;
  private final Object lock = new Object();

  /** How long the last job from the queue ran, in nanoseconds. */
  private volatile long lastLength = Long.MAX_VALUE;

  private final Look forJob = new Look();
  private final Look forResult = new Look();

  /** The job that runs now, or null; guarded by the lock. */
  private Job<?> current;

  /** Why no job is taken any more, or null; guarded by the lock. */
  private RuntimeException ended;

  /** Makes the interpreter. */
  @FunctionalInterface
  public interface Starter {

    /**
     * Makes the interpreter, on the thread that will own it.
     *
     * @param handedOver to be told the {@linkplain dev.glora.bridge.Tensor#id() number} of each
     *     tensor that Python is given
     * @throws Exception if it does not start
     */
    Engine start(LongConsumer handedOver) throws Exception;
  }

  private OwnerThread(String name, Starter starter) {
    thread = new Thread(null, () -> run(starter), name, STACK_BYTES);
    thread.setDaemon(true);
  }

  /**
   * Starts the thread and on it the interpreter, and waits until that is ready.
   *
   * @param name the thread's name
   * @param starter makes the interpreter, on the new thread
   * @throws IllegalStateException if it does not start within two minutes, with what it threw as
   *     cause
   */
  public static OwnerThread start(String name, Starter starter) {
    OwnerThread owner = new OwnerThread(name, starter);
    owner.thread.start();
    try {
      owner.started.get(START_LIMIT.toSeconds(), TimeUnit.SECONDS);
      return owner;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause().toString(), e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          "it was not ready after " + START_LIMIT.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("waiting for it was interrupted", e);
    }
  }

  /** Tells whether the caller is this thread. */
  public boolean isCurrentThread() {
    return Thread.currentThread() == thread;
  }

  /**
   * Refuses the use of something on another thread than its own.
   *
   * @param owner the thread that it belongs to
   * @param what names it
   * @throws IllegalStateException on any other thread
   */
  public static void requireCurrent(Thread owner, String what) {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          ("%s was used on thread \"%s\" and Python runs on thread \"%s\" only: use it "
                  + "inside a PythonTask, or PythonRuntime.call.")
              .formatted(what, Thread.currentThread().getName(), owner.getName()));
    }
  }

  /**
   * Queues a task; on the owner thread itself, runs it at once, since waiting there would never
   * end.
   *
   * @param task the work
   * @param limit how long it may run, counted from its start; null for no limit
   * @param <T> its result
   * @throws IllegalArgumentException if the limit is not positive
   */
  public <T> CompletableFuture<T> submit(PythonTask<T> task, Duration limit) {
    if (limit != null && (limit.isZero() || limit.isNegative())) {
      throw new IllegalArgumentException(
          "The time limit is " + limit + ": it must be longer than nothing.");
    }
    return submit(new Job<>(task, true, limit, this));
  }

  /** Queues work of the bridge's own, which no interruption may reach. */
  private <T> CompletableFuture<T> submitOwn(PythonTask<T> task) {
    return submit(new Job<>(task, false, null, this));
  }

  private <T> CompletableFuture<T> submit(Job<T> job) {
    if (isCurrentThread()) {
      runNested(job, started.join());
      return job.future;
    }
    synchronized (lock) {
      if (ended == null) {
        queue.add(job);
        return job.future;
      }
    }
    job.future.completeExceptionally(ended);
    return job.future;
  }

  /** Lets a caller look for its result before it sleeps, if that may come soon. */
  void lookFor(PythonFuture<?> result) {
    if (lastLength < Look.NANOS) {
      forResult.until(result::isDone);
    }
  }

  /** Plants an interruption in the current job; does not wait for it. */
  public boolean interrupt() {
    synchronized (lock) {
      return current != null && plant(current);
    }
  }

  /** Plants an interruption in this job if it is the current one. */
  void interrupt(Job<?> job) {
    synchronized (lock) {
      if (current == job) {
        plant(job);
      }
    }
  }

  private boolean plant(Job<?> job) {
    if (!job.interruptible) {
      return false;
    }
    // While native code keeps the interpreter, one that waits is enough: a heap of them would
    // strike one after the other, also what tells of the first.
    int sent = job.interruptions.size();
    if (sent == 0 || job.interruptions.get(sent - 1).isDone()) {
      job.interruptions.add(started.join().plant());
    }
    return true;
  }

  /**
   * Asks which of these tensors Python still uses; waits for the calls before.
   *
   * @param ids their {@linkplain dev.glora.bridge.Tensor#id() numbers}
   */
  public Set<Long> stillExported(Collection<Long> ids) {
    List<Long> asked = ids.stream().filter(handedOver::contains).toList();
    if (asked.isEmpty() || hasEnded()) {
      return Set.of(); // What an interpreter held is gone with it.
    }
    Set<Long> held;
    try {
      held = new HashSet<>(join(submitOwn(session -> started.join().stillExported(asked))));
    } catch (WorkerDiedException e) {
      return Set.of();
    }
    for (Long id : asked) {
      if (!held.contains(id)) {
        handedOver.remove(id);
      }
    }
    return held;
  }

  /** Logs lines that have no end yet; waits a moment only, for Python may be busy for hours. */
  public void finishOutput() {
    CompletableFuture<Void> done =
        submitOwn(
            session -> {
              started.join().finishOutput();
              return null;
            });
    try {
      done.get(OUTPUT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      done.cancel(false);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      if (!hasEnded()) {
        throw new CompletionException(e.getCause());
      }
    }
  }

  /**
   * Takes no more jobs: accepted ones still run, then the engine is closed and the thread ends.
   *
   * @param why what later callers are told
   */
  public void end(RuntimeException why) {
    synchronized (lock) {
      if (ended != null) {
        return;
      }
      ended = why;
      queue.add(new Job<Void>(session -> null, false, null, this));
    }
  }

  /**
   * Ends at once because the interpreter is gone: the jobs in the queue fail.
   *
   * @param why what their callers are told
   */
  public void fail(RuntimeException why) {
    synchronized (lock) {
      if (ended == null) {
        ended = why;
      }
      for (Job<?> job = queue.poll(); job != null; job = queue.poll()) {
        job.future.completeExceptionally(why);
      }
      queue.add(new Job<Void>(session -> null, false, null, this));
    }
  }

  /** Tells whether no more jobs are taken. */
  public boolean hasEnded() {
    synchronized (lock) {
      return ended != null;
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

  private void run(Starter starter) {
    Engine engine;
    try {
      engine = starter.start(handedOver::add);
    } catch (Throwable e) {
      started.completeExceptionally(e);
      return;
    }
    started.complete(engine);
    while (true) {
      Job<?> job;
      try {
        if (lastLength < Look.NANOS) { // After a training step nobody looks.
          forJob.until(() -> !queue.isEmpty());
        }
        job = queue.take();
      } catch (InterruptedException e) {
        continue; // A stray Thread.interrupt() from a task; only end() and fail() end this thread.
      }
      if (!job.future.isDone()) {
        run(job, engine);
      }
      if (queue.isEmpty() && hasEnded()) {
        engine.close();
        return;
      }
    }
  }

  private <T> void run(Job<T> job, Engine engine) {
    T result = null;
    Throwable failure = null;
    long begin = System.nanoTime();
    try {
      engine.jobBegins();
      enter(job);
      try {
        result = job.task.run(engine.session());
      } finally {
        leave(job, null);
      }
    } catch (Throwable e) {
      failure = e;
    }
    try {
      awaitInterruptions(job, engine);
      engine.jobEnds();
    } catch (Throwable e) {
      failure = failure == null ? e : failure;
    }
    lastLength = System.nanoTime() - begin;
    complete(job, result, failure);
  }

  /** Makes a job the current one and starts its clock. */
  private void enter(Job<?> job) {
    synchronized (lock) {
      current = job;
      if (job.limit != null) {
        long limit = job.limit.toNanos();
        long start = System.nanoTime();
        job.clock =
            CLOCK.scheduleWithFixedDelay(
                () -> overdue(job, Duration.ofNanos(System.nanoTime() - start - limit)),
                limit,
                TimeUnit.MILLISECONDS.toNanos(AGAIN_MILLIS),
                TimeUnit.NANOSECONDS);
      }
    }
  }

  private void leave(Job<?> job, Job<?> outer) {
    synchronized (lock) {
      current = outer;
      if (job.clock != null) {
        job.clock.cancel(false);
      }
    }
  }

  private void overdue(Job<?> job, Duration since) {
    synchronized (lock) {
      if (current != job) {
        return;
      }
      job.overdue = true;
      plant(job);
    }
    started.join().overdue(since);
  }

  private static void awaitInterruptions(Job<?> job, Engine engine) {
    if (!job.interruptions.isEmpty()) {
      job.interruptions.forEach(CompletableFuture::join);
      engine.drain();
    }
  }

  /**
   * Returns once no interruption of the current job is on its way any more, absorbing late ones;
   * called on this thread, by a backend that drives another one from afar.
   */
  public void drain() {
    List<CompletableFuture<Void>> sent;
    synchronized (lock) {
      sent = current == null ? List.of() : List.copyOf(current.interruptions);
    }
    sent.forEach(CompletableFuture::join);
    if (!sent.isEmpty()) {
      started.join().drain();
    }
  }

  /**
   * Waits until the thread has ended, for no longer than this.
   *
   * @param limit the longest time
   */
  public void awaitEnd(Duration limit) {
    try {
      thread.join(limit.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Runs a task inside the current job, whose interruptions are its own, unless it has a limit of
   * its own.
   */
  private <T> void runNested(Job<T> job, Engine engine) {
    if (job.limit != null) {
      runNestedWithLimit(job, engine);
      return;
    }
    try {
      complete(job, job.task.run(engine.session()), null);
    } catch (Throwable e) {
      complete(job, null, e);
    }
  }

  private <T> void runNestedWithLimit(Job<T> job, Engine engine) {
    Job<?> outer;
    synchronized (lock) {
      outer = current;
    }
    T result = null;
    Throwable failure = null;
    enter(job);
    try {
      result = job.task.run(engine.session());
    } catch (Throwable e) {
      failure = e;
    }
    leave(job, outer);
    boolean meantForOuter = !job.overdue && !job.interruptions.isEmpty();
    awaitInterruptions(job, engine);
    if (meantForOuter && !(failure instanceof CancelledException) && outer != null) {
      interrupt(outer); // The drain took it before it struck.
    }
    complete(job, result, failure);
  }

  private static <T> void complete(Job<T> job, T result, Throwable failure) {
    if (failure == null) {
      job.future.complete(result);
    } else if (job.overdue
        && (failure instanceof CancelledException || failure instanceof WorkerDiedException)) {
      job.future.completeExceptionally(TimeLimitException.after(job.limit, failure));
    } else {
      job.future.completeExceptionally(failure);
    }
  }
}
