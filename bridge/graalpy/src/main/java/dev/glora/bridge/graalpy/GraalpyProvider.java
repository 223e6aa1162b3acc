package dev.glora.bridge.graalpy;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonRuntimeProvider;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.spi.OwnedRuntime;
import dev.glora.bridge.spi.OwnerThread;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Opens sandboxed contexts of pure Python; an executable, where one is configured, is not used. */
public final class GraalpyProvider implements PythonRuntimeProvider {

  /** The name by which a configuration chooses this backend. */
  static final String NAME = "graalpy";

  /** Creates the provider; {@link java.util.ServiceLoader} does this. */
  public GraalpyProvider() {}

  /** Returns {@code graalpy}. */
  @Override
  public String name() {
    return NAME;
  }

  /** {@inheritDoc} */
  @Override
  public PythonRuntime open(PythonConfig config) {
    OwnedRuntime.requireLimits(NAME, GraalpyRuntime.CAPABILITIES, config.limits());
    for (Path folder : config.modulePath()) {
      if (!Files.isDirectory(folder)) {
        throw new PythonStartException(
            "The module path holds %s, which is no folder: name the folder that holds the modules."
                .formatted(folder),
            List.of("folder " + folder));
      }
    }
    try {
      String engine = SharedEngine.version();
      String[] version = new String[1];
      OwnerThread owner =
          OwnerThread.start(
              "python-graalpy",
              handedOver -> {
                GraalpyPython python = new GraalpyPython(config);
                version[0] = python.version();
                return python;
              });
      RuntimeInfo info =
          new RuntimeInfo(
              NAME, engine, version[0], Optional.empty(), ProcessHandle.current().pid());
      return new GraalpyRuntime(info, config.limits(), owner);
    } catch (IllegalStateException e) {
      throw new PythonStartException(
          ("GraalPy did not start in this process: %s. It unpacks its standard library into the"
                  + " folder of the system property polyglot.engine.userResourceCache, which must"
                  + " be writable (default: the user's cache folder).")
              .formatted(e.getMessage()),
          List.of("GraalPy's engine and standard library"),
          e);
    }
  }
}
