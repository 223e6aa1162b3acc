package dev.glora.bridge.jep;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonProbe;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonRuntimeProvider;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.spi.OwnedRuntime;
import dev.glora.bridge.spi.OwnerThread;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Starts the process's one CPython, and gives handles on it. */
public final class JepProvider implements PythonRuntimeProvider {

  private static PythonConfig started;
  private static RuntimeInfo info;
  private static OwnerThread interpreter;
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
    OwnedRuntime.requireLimits(name(), JepRuntime.CAPABILITIES, config.limits());
    OwnerThread owner = interpreter(config);
    return new JepRuntime(info, config.limits(), owner);
  }

  private static synchronized OwnerThread interpreter(PythonConfig config) {
    if (interpreter != null) {
      List<String> differences = differences(started, config);
      if (!differences.isEmpty()) {
        throw new PythonStartException(
            ("Python already runs in this process with another %s: use one configuration per"
                    + " process, or the backend \"worker\".")
                .formatted(String.join(" and another ", differences)),
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
    PythonInfo python = PythonProbe.ask(config.executable());
    try {
      interpreter =
          OwnerThread.start("python", handedOver -> JepPython.start(config, python, handedOver));
      info =
          new RuntimeInfo(
              "jep",
              python.jepVersion(),
              python.version(),
              Optional.of(python),
              ProcessHandle.current().pid());
      started = config;
      return interpreter;
    } catch (IllegalStateException e) {
      List<String> tried = new ArrayList<>();
      tried.add("library " + python.libpython());
      tried.add("jep " + python.jepVersion() + " in " + python.jepDirectory());
      failure =
          ("Python %s (%s) is there and did not start in this process: %s. Check that Jep "
                  + "was built for it (\"%s -m pip install --force-reinstall --no-binary jep "
                  + "jep==%s\").")
              .formatted(
                  python.version(),
                  python.executable(),
                  e.getMessage(),
                  python.executable(),
                  python.jepVersion());
      throw new PythonStartException(failure, tried, e);
    }
  }

  /** Names what differs; values stay out of messages, since variables may hold secrets. */
  private static List<String> differences(PythonConfig running, PythonConfig asked) {
    List<String> names = new ArrayList<>();
    if (!running.python().equals(asked.python())) {
      names.add(
          "executable (%s, asked for %s)".formatted(running.executable(), asked.executable()));
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
