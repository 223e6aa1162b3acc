package dev.glora.bridge;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A running Python interpreter.
 *
 * <p>All Python code runs on one owner thread, in the order in which it was handed over. Every
 * method here may be called from any thread. A call made <em>on</em> the owner thread (from within
 * a {@link PythonTask}) is run at once instead of being queued, ahead of what waits, so {@code
 * runtime.call(…).join()} inside a task cannot deadlock; waiting there for a future that another
 * thread queued would, and is refused.
 *
 * <p>Futures complete on the owner thread: attach long-running continuations with the {@code Async}
 * methods. {@link CompletableFuture#join()} wraps a failure in a {@link
 * java.util.concurrent.CompletionException} whose cause is the {@link BridgeException}. {@link
 * CompletableFuture#cancel} takes back what has not started and, with {@code true}, stops what runs
 * as {@link #interrupt()} does.
 *
 * <p>What Python code writes to {@code sys.stdout} and {@code sys.stderr} goes, line by line, to
 * the loggers {@code python.stdout} (info) and {@code python.stderr} (warn), never to this
 * process's standard output.
 */
public interface PythonRuntime extends AutoCloseable {

  /**
   * Opens Python by the backend that the configuration names.
   *
   * <p>Of CPython there is one interpreter per process, so with the backend {@code jep} a further
   * call with an equal configuration returns another handle on it, and with a different one it is
   * refused. With {@code worker} each call starts a process of its own, with {@code graalpy} a
   * context of its own.
   *
   * @param config the configuration
   * @throws PythonStartException if the backend is not there or cannot start
   */
  static PythonRuntime open(PythonConfig config) {
    List<String> names = new ArrayList<>();
    ClassLoader loader = PythonRuntime.class.getClassLoader();
    for (PythonRuntimeProvider p : ServiceLoader.load(PythonRuntimeProvider.class, loader)) {
      if (p.name().equals(config.backend())) {
        return p.open(config);
      }
      names.add(p.name());
    }
    throw new PythonStartException(
        "There is no backend \""
            + config.backend()
            + "\" on the class path, only "
            + names
            + ": choose one of these, or add the artifact that holds it.",
        List.of("backends found: " + names));
  }

  /** Returns what this runtime runs on. */
  RuntimeInfo info();

  /** Returns what this backend can do. */
  Set<Capability> capabilities();

  /**
   * Opens a scope for tensors that can be handed to this runtime.
   *
   * @param name says in messages whose tensors these are
   */
  TensorScope scope(String name);

  /**
   * Calls a Python function.
   *
   * @param module the module to import
   * @param function the function's name in it
   * @param args see {@link PythonFunction#call}; maps and lists must not be changed before the
   *     future is complete
   * @return the result, or the {@link BridgeException}
   * @throws IllegalStateException if this runtime is closed
   */
  default CompletableFuture<Object> call(String module, String function, Object... args) {
    return submit(session -> session.call(module, function, args));
  }

  /**
   * Calls a Python function that may run for a limited time only.
   *
   * @param limit counted from the start of the call, not from its queueing
   * @param module the module to import
   * @param function the function's name in it
   * @param args as above
   * @return the result, or the {@link BridgeException}, a {@link TimeLimitException} where the
   *     limit ended it
   * @throws MissingCapabilityException if the backend lacks {@link Capability#INTERRUPT}
   * @throws IllegalStateException if this runtime is closed
   */
  default CompletableFuture<Object> call(
      Duration limit, String module, String function, Object... args) {
    return submit(limit, session -> session.call(module, function, args));
  }

  /**
   * Runs a task on the interpreter's own thread.
   *
   * @param task the work
   * @param <T> its result
   * @return the result, or whatever the task threw
   * @throws IllegalStateException if this runtime is closed
   */
  <T> CompletableFuture<T> submit(PythonTask<T> task);

  /**
   * Runs a task that may run for a limited time only.
   *
   * <p>At the limit it is interrupted, again and again until it ends; a backend with {@link
   * Capability#KILL} then kills its process.
   *
   * @param limit counted from the start of the task
   * @param task the work
   * @param <T> its result
   * @return the result, or whatever the task threw, a {@link TimeLimitException} in place of the
   *     {@link CancelledException} that the limit caused
   * @throws MissingCapabilityException if the backend lacks {@link Capability#INTERRUPT}
   * @throws IllegalStateException if this runtime is closed
   */
  <T> CompletableFuture<T> submit(Duration limit, PythonTask<T> task);

  /**
   * Registers tensors as pinned memory with CUDA, until their scope is closed: copies to the device
   * are then several times as fast and need not wait.
   *
   * <p>Registering costs about as much as one copy, so it is for buffers that live long.
   *
   * @param tensors each of a scope of this runtime
   * @return how many were registered: none without a CUDA device, and none of the empty ones
   * @throws MissingCapabilityException if the backend lacks {@link Capability#TENSORS}
   */
  CompletableFuture<Integer> pin(Tensor... tensors);

  /**
   * Ends the Python code that is running now.
   *
   * <p>The running call ends with a {@link CancelledException}, within milliseconds if it is in
   * Python code and at the end of the current native call otherwise. If a task is between two
   * calls, its next one ends so. Nothing of it reaches a later call or task from the queue. The
   * method does not wait.
   *
   * <p>As with Ctrl-C in Python, code can swallow it ({@code except BaseException}, a finalizer):
   * then it goes on and may be interrupted again; and an import of a native module that is cut
   * short may leave the module unusable.
   *
   * @return true if a call or task was running
   */
  boolean interrupt();

  /**
   * Closes this handle: later calls are refused, accepted ones still run.
   *
   * <p>The interpreter of {@code jep} lives as long as the process; that of {@code worker} and
   * {@code graalpy} ends after the calls accepted before. Closing twice is harmless.
   */
  @Override
  void close();
}
