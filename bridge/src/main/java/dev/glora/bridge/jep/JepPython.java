package dev.glora.bridge.jep;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonSession;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import jep.ClassEnquirer;
import jep.Interpreter;
import jep.JepConfig;
import jep.JepException;
import jep.MainInterpreter;
import jep.PyConfig;
import jep.SharedInterpreter;
import jep.python.PyCallable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** CPython with the trampoline in it; everything but {@link #attach} on the owner thread only. */
final class JepPython {

  /** The name of the trampoline in {@code sys.modules} and in the interpreter's globals. */
  static final String MODULE = "_glora_bridge";

  private static final String TRAMPOLINE = "trampoline.py";
  private static final Logger OUT = LoggerFactory.getLogger("python.stdout");
  private static final Logger ERR = LoggerFactory.getLogger("python.stderr");

  private final SharedInterpreter interpreter;
  private final Thread owner = Thread.currentThread();
  private final LongConsumer handedOver;
  private final Map<String, PythonFunction> functions = new HashMap<>();
  private final PyCallable resolve;
  private final PyCallable exported;
  private final PyCallable drain;
  private final PyCallable finishLines;
  private final PythonSession session = this::function;

  private JepPython(SharedInterpreter interpreter, LongConsumer handedOver) {
    this.interpreter = interpreter;
    this.handedOver = handedOver;
    resolve = trampoline("resolve");
    exported = trampoline("exported");
    drain = trampoline("drain");
    finishLines = trampoline("finish_lines");
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
    interpreter.set("_source", source());
    interpreter.exec("import types");
    interpreter.exec(
        MODULE + " = sys.modules['" + MODULE + "'] = types.ModuleType('" + MODULE + "')");
    interpreter.exec(MODULE + ".__file__ = '<glora-bridge " + TRAMPOLINE + ">'");
    interpreter.exec(
        "exec(compile(_source, " + MODULE + ".__file__, 'exec'), vars(" + MODULE + "))");
    interpreter.set("_out", (Consumer<String>) OUT::info);
    interpreter.set("_err", (Consumer<String>) ERR::warn);
    interpreter.exec(MODULE + ".redirect(_out, _err)");
    interpreter.exec(
        "for _name in ('_index', '_value', '_source', '_out', '_err'):\n"
            + " globals().pop(_name, None)");
  }

  /** Gives the calling thread a place in the interpreter; it closes that itself. */
  Interpreter attach() {
    return interpreter.attach(true);
  }

  PythonSession session() {
    return session;
  }

  Object exported(Object[] ids) {
    try {
      return Values.decode(exported.call(ids));
    } catch (JepException e) {
      throw Failures.escaped(e);
    }
  }

  void finishLines() {
    finishLines.call();
  }

  /** Returns once no interruption is on its way. */
  void drain() {
    boolean clean = false;
    while (!clean) {
      try {
        drain.call();
        clean = true;
      } catch (JepException e) {
        if (!Failures.isInterruption(e)) {
          throw e;
        }
      }
    }
  }

  void requireOwner(String what) {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          ("%s was used on thread \"%s\" and Python runs on thread \"%s\" only: use it "
                  + "inside a PythonTask, or PythonRuntime.call.")
              .formatted(what, Thread.currentThread().getName(), owner.getName()));
    }
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
      throw Failures.escaped(e);
    }
    if (!(found instanceof PyCallable plain)) {
      throw Failures.of(found);
    }
    PyCallable coded = plain.getAttr("coded", PyCallable.class);
    PythonFunction function = new JepFunction(this, label, plain, coded, handedOver);
    functions.put(label, function);
    return function;
  }

  private PyCallable trampoline(String function) {
    return (PyCallable) interpreter.getValue(MODULE + "." + function);
  }

  private static String source() {
    try (InputStream in = JepPython.class.getResourceAsStream(TRAMPOLINE)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
