package dev.glora.bridge.jep;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonProbe;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonRuntimeProvider;
import dev.glora.bridge.PythonStartException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** Starts the process's one CPython, and gives handles on it. */
public final class JepProvider implements PythonRuntimeProvider {

  private static PythonConfig started;
  private static JepInterpreter interpreter;
  private static String failure;

  /** Creates the provider; {@link java.util.ServiceLoader} does this. */
  public JepProvider() {}

  /** Returns {@code jep}. */
  @Override
  public String name() {
    return "jep";
  }

  /** {@inheritDoc} */
  @Override
  public PythonRuntime open(PythonConfig config) {
    return new JepRuntime(interpreter(config));
  }

  private static synchronized JepInterpreter interpreter(PythonConfig config) {
    if (interpreter != null) {
      if (!started.equals(config)) {
        throw new PythonStartException(
            ("Python already runs in this process with another %s: use one configuration per"
                    + " process.")
                .formatted(String.join(" and another ", differences(started, config))),
            List.of());
      }
      return interpreter;
    }
    if (failure != null) {
      throw new PythonStartException(
          "Python failed to start before in this process, and CPython starts only once in one: mend"
              + " the cause and start the process again. The cause was: "
              + failure,
          List.of());
    }
    PythonInfo info = PythonProbe.ask(config.python());
    try {
      interpreter = JepInterpreter.start(config, info);
      started = config;
      return interpreter;
    } catch (IllegalStateException e) {
      List<String> tried = new ArrayList<>();
      tried.add("library " + info.libpython());
      tried.add("jep " + info.jepVersion() + " in " + info.jepDirectory());
      failure =
          ("Python %s (%s) is there and did not start in this process: %s. Check that Jep "
                  + "was built for it (\"%s -m pip install --force-reinstall --no-binary jep "
                  + "jep==%s\").")
              .formatted(
                  info.version(),
                  info.executable(),
                  e.getMessage(),
                  info.executable(),
                  info.jepVersion());
      throw new PythonStartException(failure, tried, e);
    }
  }

  /** Names what differs; values stay out of messages, since variables may hold secrets. */
  private static List<String> differences(PythonConfig running, PythonConfig asked) {
    List<String> names = new ArrayList<>();
    if (!running.python().equals(asked.python())) {
      names.add("executable (%s, asked for %s)".formatted(running.python(), asked.python()));
    }
    if (!running.modulePath().equals(asked.modulePath())) {
      names.add(
          "module path (%s, asked for %s)".formatted(running.modulePath(), asked.modulePath()));
    }
    if (!running.environment().equals(asked.environment())) {
      Set<String> variables = new TreeSet<>(running.environment().keySet());
      variables.addAll(asked.environment().keySet());
      variables.removeIf(
          v -> Objects.equals(running.environment().get(v), asked.environment().get(v)));
      names.add("value of the variables " + variables);
    }
    return names;
  }
}
