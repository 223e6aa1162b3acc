package dev.glora.bridge.graalpy;

import dev.glora.bridge.BridgeException;
import dev.glora.bridge.Capability;
import dev.glora.bridge.MissingCapabilityException;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonSession;
import dev.glora.bridge.spi.Arguments;
import dev.glora.bridge.spi.Engine;
import dev.glora.bridge.spi.JavaFunctions;
import dev.glora.bridge.spi.OwnerThread;
import dev.glora.bridge.spi.Results;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.proxy.ProxyExecutable;

/** GraalPy with the trampoline in it; a context that is used up is replaced by a fresh one. */
final class GraalpyPython implements Engine {

  private final PythonConfig config;
  private final Thread owner = Thread.currentThread();
  private final Interruptions interruptions = new Interruptions();
  private final JavaFunctions javaFunctions = new JavaFunctions(GraalpyPython::refuseTensor);
  private final Map<String, PythonFunction> functions = new HashMap<>();
  private final PythonSession session = this::function;
  private final String version;

  /** The context; null where the last one was used up. */
  private Guest guest;

  /**
   * Starts GraalPy on the calling thread.
   *
   * @param config of it the environment, the module path and the limit of statements
   */
  GraalpyPython(PythonConfig config) {
    this.config = config;
    this.version = guest().function("version").execute().asString();
  }

  /** Returns the version of the language. */
  String version() {
    return version;
  }

  @Override
  public PythonSession session() {
    return session;
  }

  @Override
  public CompletableFuture<Void> plant() {
    return interruptions.plant();
  }

  @Override
  public void drain() {
    interruptions.forget();
  }

  @Override
  public void jobBegins() {
    if (guest != null && config.limits().statements().isPresent()) {
      guest.context().resetLimits();
    }
  }

  @Override
  public void jobEnds() {
    javaFunctions.forget();
  }

  /** Returns none: no tensor gets this far. */
  @Override
  public Set<Long> stillExported(Collection<Long> ids) {
    return Set.of();
  }

  @Override
  public void finishOutput() {
    if (guest != null) {
      guest.function("finish_lines").executeVoid();
    }
  }

  @Override
  public void close() {
    if (guest != null) {
      guest.close();
    }
  }

  /** Returns the context, a fresh one where the last was used up. */
  Guest guest() {
    if (guest == null) {
      try {
        guest = new Guest(config, this::guarded);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return guest;
  }

  /** Lets interruptions wait while Java code runs that Python has called. */
  private ProxyExecutable guarded(ProxyExecutable callback) {
    return args -> {
      Context outer = interruptions.pause();
      try {
        return callback.execute(args);
      } finally {
        interruptions.back(outer);
      }
    };
  }

  /**
   * Runs Python code.
   *
   * @param in the context that it belongs to
   * @param work the code
   */
  Value run(Guest in, Supplier<Value> work) {
    Context outer = interruptions.enter(in.context());
    try {
      return work.get();
    } catch (PolyglotException e) {
      throw escaped(in, e);
    } finally {
      interruptions.back(outer);
    }
  }

  private BridgeException escaped(Guest in, PolyglotException e) {
    if (e.isInterrupted()) {
      interruptions.struck();
    }
    if (e.isCancelled()) {
      if (guest == in) {
        guest = null;
      }
      return GraalpyFailures.usedUp(config.limits(), e);
    }
    return GraalpyFailures.escaped(e);
  }

  Object[] encode(Object[] args, String label) {
    return Arguments.encode(args, label, GraalpyPython::refuseTensor, javaFunctions::callable);
  }

  Object decode(Value result) {
    return Results.decode(Guest.toJava(result), javaFunctions::thrown);
  }

  private static void refuseTensor(long id) {
    throw new MissingCapabilityException(
        Capability.TENSORS,
        "The backend \"graalpy\" was given a tensor and lacks the capability TENSORS: pass numbers"
            + " or lists, or choose the backend \"jep\".");
  }

  void requireOwner(String what) {
    OwnerThread.requireCurrent(owner, what);
  }

  private PythonFunction function(String module, String name) {
    String label = module + "." + name;
    requireOwner(label);
    PythonFunction known = functions.get(label);
    if (known != null) {
      return known;
    }
    GraalpyFunction function = new GraalpyFunction(this, module, name);
    function.resolve(guest());
    functions.put(label, function);
    return function;
  }
}
