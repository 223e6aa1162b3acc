package dev.glora.bridge.spi;

import dev.glora.bridge.Capability;
import dev.glora.bridge.Limits;
import dev.glora.bridge.MissingCapabilityException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonTask;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A handle on an interpreter that an {@link OwnerThread} owns: what all backends have in common.
 */
public abstract class OwnedRuntime implements PythonRuntime {

  private static final String CLOSED =
      "This Python runtime is closed and takes no more calls: open another handle with"
          + " PythonRuntime.open.";

  private final RuntimeInfo info;
  private final Set<Capability> capabilities;
  private final Duration timeLimit;
  private volatile boolean closed;

  /**
   * Creates the handle.
   *
   * @param info what it runs on
   * @param capabilities what the backend can do
   * @param limits those of this handle
   * @throws MissingCapabilityException if a limit needs what the backend lacks
   */
  protected OwnedRuntime(RuntimeInfo info, Set<Capability> capabilities, Limits limits) {
    this.info = info;
    this.capabilities = Set.copyOf(capabilities);
    this.timeLimit = limits.time().orElse(null);
    requireLimits(info.backend(), this.capabilities, limits);
  }

  /**
   * Refuses limits that a backend lacks; to be called before anything is started.
   *
   * @param backend the backend's name
   * @param capabilities what it can do
   * @param limits what is asked of it
   * @throws MissingCapabilityException naming the first that is missing
   */
  public static void requireLimits(String backend, Set<Capability> capabilities, Limits limits) {
    if (limits.time().isPresent()) {
      require(backend, capabilities, Capability.INTERRUPT, "a time limit");
    }
    if (limits.statements().isPresent()) {
      require(backend, capabilities, Capability.STATEMENT_LIMIT, "a limit of statements");
    }
    if (limits.heapMiB().isPresent()) {
      require(backend, capabilities, Capability.HEAP_LIMIT, "a heap limit");
    }
  }

  /** Returns the thread that owns the interpreter. */
  protected abstract OwnerThread owner();

  /**
   * Returns the thread behind a runtime, for a backend that drives another one from afar.
   *
   * @param runtime the runtime
   * @throws IllegalArgumentException if it is made of something else
   */
  public static OwnerThread ownerOf(PythonRuntime runtime) {
    if (runtime instanceof OwnedRuntime owned) {
      return owned.owner();
    }
    throw new IllegalArgumentException(
        "The runtime of the backend \"%s\" is a %s and none of the bridge's own kind (%s)."
            .formatted(runtime.info().backend(), runtime.getClass().getName(), OwnedRuntime.class));
  }

  /** Returns where tensors of this runtime lie. */
  protected abstract TensorScope.Placement placement();

  /** Called once, when this handle is closed. */
  protected abstract void closed();

  @Override
  public final RuntimeInfo info() {
    return info;
  }

  @Override
  public final Set<Capability> capabilities() {
    return capabilities;
  }

  @Override
  public final TensorScope scope(String name) {
    requireOpen();
    require(Capability.TENSORS, "tensors");
    return TensorScope.open(name, owner()::stillExported, placement());
  }

  @Override
  public final <T> CompletableFuture<T> submit(PythonTask<T> task) {
    requireOpen();
    return owner().submit(task, timeLimit);
  }

  @Override
  public final <T> CompletableFuture<T> submit(Duration limit, PythonTask<T> task) {
    requireOpen();
    require(Capability.INTERRUPT, "a time limit");
    return owner().submit(task, limit);
  }

  @Override
  public final CompletableFuture<Integer> pin(Tensor... tensors) {
    require(Capability.TENSORS, "pinned tensors");
    Object[] numbers = new Object[tensors.length];
    for (int i = 0; i < tensors.length; i++) {
      numbers[i] = tensors[i].id();
    }
    return call(Trampoline.MODULE, "pin", List.of(numbers), List.of(tensors))
        .thenApply(count -> Math.toIntExact((Long) count));
  }

  @Override
  public final boolean interrupt() {
    requireOpen();
    require(Capability.INTERRUPT, "an interruption");
    return owner().interrupt();
  }

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      closed();
    }
  }

  /** Returns what is thrown at those who use a closed handle. */
  protected static IllegalStateException closedException() {
    return new IllegalStateException(CLOSED);
  }

  private void requireOpen() {
    if (closed) {
      throw closedException();
    }
  }

  private void require(Capability capability, String what) {
    require(info.backend(), capabilities, capability, what);
  }

  private static void require(
      String backend, Set<Capability> capabilities, Capability capability, String what) {
    if (!capabilities.contains(capability)) {
      throw new MissingCapabilityException(
          capability,
          ("The backend \"%s\" was asked for %s and lacks the capability %s: it has %s; choose"
                  + " another backend.")
              .formatted(backend, what, capability, capabilities.stream().sorted().toList()));
    }
  }
}
