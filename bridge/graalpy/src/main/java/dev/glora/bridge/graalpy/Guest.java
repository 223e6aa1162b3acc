package dev.glora.bridge.graalpy;

import dev.glora.bridge.Limits;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.spi.JavaFunctions;
import dev.glora.bridge.spi.Trampoline;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.EnvironmentAccess;
import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.PolyglotAccess;
import org.graalvm.polyglot.ResourceLimits;
import org.graalvm.polyglot.SandboxPolicy;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.FileSystem;
import org.graalvm.polyglot.io.IOAccess;
import org.graalvm.polyglot.proxy.ProxyArray;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.proxy.ProxyObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One context with the trampoline in it, and the values that cross its border. */
final class Guest {

  private static final String SANDBOX = "graalpy.py";

  /**
   * What ran while contexts were started: the import system, the trampoline and what it imports.
   */
  private static final Set<Source> STARTED_WITH = ConcurrentHashMap.newKeySet();

  /** Whether this thread starts a context. */
  private static final ThreadLocal<Boolean> STARTING = ThreadLocal.withInitial(() -> false);

  private static final Logger OUT = LoggerFactory.getLogger("python.stdout");
  private static final Logger ERR = LoggerFactory.getLogger("python.stderr");

  /** Makes the trampoline's module of [file, source, …] and returns it. */
  private static final String MAKE_MODULE =
      """
      def make(name, *sources):
          import sys, types
          module = sys.modules[name] = types.ModuleType(name)
          for file, source in zip(sources[::2], sources[1::2]):
              exec(compile(source, file, 'exec'), vars(module))
          return module
      make
      """;

  private final Context context;
  private final Value none;
  private final UnaryOperator<ProxyExecutable> callbacks;
  private final Value module;

  /**
   * Makes a context.
   *
   * @param callbacks put around each Java function that Python is given
   */
  Guest(PythonConfig config, UnaryOperator<ProxyExecutable> callbacks) throws IOException {
    this.callbacks = callbacks;
    this.context = context(config);
    STARTING.set(true);
    try {
      none = context.eval(source("lambda: None")).execute();
      module =
          context
              .eval(source(MAKE_MODULE))
              .execute(
                  Trampoline.MODULE,
                  Trampoline.fileName(),
                  Trampoline.source(),
                  Trampoline.fileName(SANDBOX),
                  Trampoline.source(Guest.class, SANDBOX));
      Object[] folders = config.modulePath().stream().map(Path::toString).toArray();
      function("close_doors").executeVoid(ProxyArray.fromArray(folders));
      function("redirect").executeVoid(sink(OUT::info), sink(ERR::warn));
    } finally {
      STARTING.remove();
    }
  }

  private static Context context(PythonConfig config) throws IOException {
    FileSystem files = FileSystem.allowInternalResources(new ModuleFiles(config.modulePath()));
    Context.Builder builder =
        Context.newBuilder(SharedEngine.LANGUAGE)
            .engine(SharedEngine.get())
            .sandbox(SandboxPolicy.CONSTRAINED)
            .allowIO(IOAccess.newBuilder().fileSystem(files).build())
            .allowHostAccess(HostAccess.CONSTRAINED)
            .allowPolyglotAccess(PolyglotAccess.NONE)
            .allowEnvironmentAccess(EnvironmentAccess.NONE)
            .environment(config.environment())
            .in(InputStream.nullInputStream())
            .out(OutputStream.nullOutputStream())
            .err(OutputStream.nullOutputStream());
    Limits limits = config.limits();
    if (limits.statements().isPresent()) {
      builder.resourceLimits(
          ResourceLimits.newBuilder()
              .statementLimit(limits.statements().getAsLong(), Guest::counted)
              .build());
    }
    return builder.build();
  }

  /**
   * Tells whether a source's statements count: all but those that a start runs. One filter for all
   * contexts, since they share an engine; not by names, since code that Python code makes may have
   * any.
   */
  private static boolean counted(Source source) {
    if (STARTING.get()) {
      STARTED_WITH.add(source);
    }
    return !STARTED_WITH.contains(source);
  }

  private static Source source(String text) {
    return Source.newBuilder(SharedEngine.LANGUAGE, text, "<glora-bridge>")
        .internal(true)
        .buildLiteral();
  }

  private static ProxyExecutable sink(Consumer<String> log) {
    return args -> {
      log.accept(args[0].asString());
      return null;
    };
  }

  Context context() {
    return context;
  }

  /** Returns a function of the trampoline. */
  Value function(String name) {
    return module.getMember(name);
  }

  /** Returns arguments as Python takes them: null as None, Java functions behind one method. */
  Object[] toPython(Object[] args) {
    Object[] result = new Object[args.length];
    for (int i = 0; i < args.length; i++) {
      if (args[i] == null) {
        result[i] = none;
      } else if (args[i] instanceof JavaFunctions.Callable callable) {
        ProxyExecutable call =
            values -> ProxyArray.fromArray(toPython(callable.call(toJava(values[0]))));
        result[i] = ProxyObject.fromMap(Map.of("call", callbacks.apply(call)));
      } else {
        result[i] = args[i];
      }
    }
    return result;
  }

  /** Returns what {@code encode} in the trampoline made, as Java's own values. */
  static Object toJava(Value value) {
    if (value.isNull()) {
      return null;
    }
    if (value.isBoolean()) {
      return value.asBoolean();
    }
    if (value.isString()) {
      return value.asString();
    }
    if (value.isNumber()) {
      Object number = value.as(Object.class);
      return number instanceof Double ? number : (Object) value.asLong();
    }
    if (value.hasBufferElements()) {
      byte[] bytes = new byte[Math.toIntExact(value.getBufferSize())];
      value.readBuffer(0, bytes, 0, bytes.length);
      return bytes;
    }
    int size = Math.toIntExact(value.getArraySize());
    List<Object> items = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      items.add(toJava(value.getArrayElement(i)));
    }
    return items;
  }

  void close() {
    context.close(true);
  }
}
