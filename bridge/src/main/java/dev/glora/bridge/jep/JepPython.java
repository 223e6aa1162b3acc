package dev.glora.bridge.jep;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonSession;
import dev.glora.bridge.spi.Arguments;
import dev.glora.bridge.spi.Engine;
import dev.glora.bridge.spi.Failures;
import dev.glora.bridge.spi.JavaFunctions;
import dev.glora.bridge.spi.OwnerThread;
import dev.glora.bridge.spi.Results;
import dev.glora.bridge.spi.Trampoline;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import jep.ClassEnquirer;
import jep.JepConfig;
import jep.JepException;
import jep.MainInterpreter;
import jep.PyConfig;
import jep.SharedInterpreter;
import jep.python.PyCallable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** CPython with the trampoline in it. */
final class JepPython implements Engine {

  private static final String MODULE = Trampoline.MODULE;
  private static final String CPYTHON = "cpython.py";
  private static final Logger OUT = LoggerFactory.getLogger("python.stdout");
  private static final Logger ERR = LoggerFactory.getLogger("python.stderr");

  private final SharedInterpreter interpreter;
  private final Thread owner = Thread.currentThread();
  private final Interrupter interrupter;
  private final LongConsumer handedOver;
  private final JavaFunctions javaFunctions;
  private final Map<String, PythonFunction> functions = new HashMap<>();
  private final PyCallable resolve;
  private final PyCallable exported;
  private final PyCallable drain;
  private final PyCallable finishLines;
  private final PythonSession session = this::function;

  private JepPython(SharedInterpreter interpreter, LongConsumer handedOver) {
    this.interpreter = interpreter;
    this.interrupter = new Interrupter(interpreter);
    this.handedOver = handedOver;
    this.javaFunctions = new JavaFunctions(handedOver);
    resolve = trampoline("resolve");
    exported = trampoline("exported");
    drain = trampoline("drain");
    finishLines = trampoline("finish_lines");
    trampoline("hear_lost_interruptions").call((Runnable) interrupter::send);
  }

  /**
   * Starts CPython on the calling thread.
   *
   * @param handedOver told of each tensor that Python sees
   */
  static JepPython start(PythonConfig config, PythonInfo python, LongConsumer handedOver) {
    // Loaded by its path first, libpython is found by Jep's library wherever it lies.
    System.load(python.libpython().toString());
    MainInterpreter.setJepLibraryPath(python.jepLibrary().toString());
    MainInterpreter.setInitParams(PyConfig.python().setProgramName(python.executable().toString()));
    SharedInterpreter.setConfig(
        new JepConfig()
            .setClassLoader(JepPython.class.getClassLoader())
            .setClassEnquirer(new NoJavaPackages()));
    SharedInterpreter interpreter = new SharedInterpreter();
    setUp(interpreter, config);
    return new JepPython(interpreter, handedOver);
  }

  private static void setUp(SharedInterpreter interpreter, PythonConfig config) {
    interpreter.exec("import os, sys");
    for (Map.Entry<String, String> variable : config.environment().entrySet()) {
      interpreter.set("_name", variable.getKey());
      interpreter.set("_value", variable.getValue());
      interpreter.exec("os.environ[_name] = _value");
    }
    for (int i = 0; i < config.modulePath().size(); i++) {
      interpreter.set("_index", i);
      interpreter.set("_value", config.modulePath().get(i).toString());
      interpreter.exec("sys.path.insert(_index, _value)");
    }
    interpreter.exec("import types");
    interpreter.exec(
        MODULE + " = sys.modules['" + MODULE + "'] = types.ModuleType('" + MODULE + "')");
    run(interpreter, Trampoline.source(), Trampoline.fileName());
    run(interpreter, Trampoline.source(JepPython.class, CPYTHON), Trampoline.fileName(CPYTHON));
    interpreter.set("_out", (Consumer<String>) OUT::info);
    interpreter.set("_err", (Consumer<String>) ERR::warn);
    interpreter.exec(MODULE + ".redirect(_out, _err)");
    interpreter.exec(
        "for _name in ('_index', '_value', '_source', '_file', '_out', '_err'):\n"
            + " globals().pop(_name, None)");
  }

  /** Runs a source in the trampoline's module. */
  private static void run(SharedInterpreter interpreter, String source, String file) {
    interpreter.set("_source", source);
    interpreter.set("_file", file);
    interpreter.exec("exec(compile(_source, _file, 'exec'), vars(" + MODULE + "))");
  }

  @Override
  public PythonSession session() {
    return session;
  }

  @Override
  public CompletableFuture<Void> plant() {
    interrupter.send();
    return interrupter.sent();
  }

  @Override
  public void jobEnds() {
    javaFunctions.forget();
  }

  Object[] encode(Object[] args, String label) {
    return Arguments.encode(args, label, handedOver, javaFunctions::callable);
  }

  Object decode(Object result) {
    return Results.decode(result, javaFunctions::thrown);
  }

  @Override
  public Set<Long> stillExported(Collection<Long> ids) {
    Object held;
    try {
      held = decode(exported.call(ids.toArray()));
    } catch (JepException e) {
      throw JepFailures.escaped(e);
    }
    return ((List<?>) held).stream().map(Long.class::cast).collect(Collectors.toSet());
  }

  @Override
  public void finishOutput() {
    finishLines.call();
  }

  @Override
  public void drain() {
    boolean clean = false;
    while (!clean) {
      interrupter.sent().join();
      try {
        drain.call();
        clean = interrupter.sent().isDone();
      } catch (JepException e) {
        if (!JepFailures.isInterruption(e)) {
          throw e;
        }
      }
    }
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
    Object found;
    try {
      found = resolve.call(module, name);
    } catch (JepException e) {
      throw JepFailures.escaped(e);
    }
    if (!(found instanceof PyCallable plain)) {
      throw Failures.of((List<?>) found, javaFunctions::thrown);
    }
    PyCallable coded = plain.getAttr("coded", PyCallable.class);
    PythonFunction function = new JepFunction(this, label, plain, coded);
    functions.put(label, function);
    return function;
  }

  private PyCallable trampoline(String function) {
    return (PyCallable) interpreter.getValue(MODULE + "." + function);
  }

  /** Keeps {@code import org} and the like from finding Java packages before Python modules. */
  private static final class NoJavaPackages implements ClassEnquirer {
    @Override
    public boolean isJavaPackage(String name) {
      return false;
    }

    @Override
    public String[] getClassNames(String pkg) {
      return new String[0];
    }

    @Override
    public String[] getSubPackages(String pkg) {
      return new String[0];
    }
  }
}
