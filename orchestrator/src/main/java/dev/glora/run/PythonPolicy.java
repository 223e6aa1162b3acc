package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.bridge.Frame;
import dev.glora.bridge.Limits;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.TimeLimitException;
import dev.glora.bridge.WorkerOptions;
import dev.glora.experiment.PolicySpec;
import dev.glora.search.Policy;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;

/**
 * A policy's Python file in a sandbox, in a process of its own with a heap and a time limit.
 *
 * <p>It is started at the first question, from a folder that holds the file alone: the sandbox may
 * read the folder of a module.
 */
final class PythonPolicy implements Policy {
  private static final String MODULE = "glora_policy";
  private static final String FILE = MODULE + ".py";

  private final PolicySpec spec;
  private Path folder;
  private PythonRuntime python;

  PythonPolicy(PolicySpec spec) {
    this.spec = spec;
  }

  @Override
  public String name() {
    return spec.file();
  }

  @Override
  public Object ask(Map<String, Object> state) {
    return call("ask", state);
  }

  @Override
  public void tell(List<Map<String, Object>> results) {
    call("tell", results);
  }

  private Object call(String function, Object argument) {
    if (python == null) {
      open();
    }
    try {
      return python.call(MODULE, function, argument).join();
    } catch (CompletionException e) {
      throw ended(function, e.getCause());
    }
  }

  private void open() {
    try {
      folder = Files.createTempDirectory("glora-policy");
      Files.writeString(folder.resolve(FILE), spec.source());
      python =
          PythonRuntime.open(
              PythonConfig.builder()
                  .backend("worker")
                  .worker(WorkerOptions.DEFAULT.withBackend("graalpy"))
                  .limits(
                      Limits.NONE
                          .withTime(Duration.ofMillis(Math.round(1000 * spec.timeLimit())))
                          .withHeapMiB(spec.memory()))
                  .modulePath(folder)
                  .build());
    } catch (IOException e) {
      throw GloraException.environment(
          "The policy "
              + name()
              + " cannot be put into a folder for temporary files: "
              + e.getMessage()
              + "; make room there, or set -Djava.io.tmpdir.",
          e);
    } catch (PythonStartException e) {
      throw GloraException.environment(
          "The search strategy policy needs the sandbox of the bridge, which did not start: "
              + e.getMessage().replaceAll("\\.$", "")
              + "; in a checkout call tools/setup policy once, in a Maven project add the artifact"
              + " dev.glora:glora-bridge-graalpy.",
          e);
    }
  }

  private GloraException ended(String function, Throwable e) {
    String who = "The policy " + name();
    if (e instanceof PythonException error) {
      String line =
          error.frames().stream()
              .filter(frame -> frame.file().endsWith(FILE))
              .reduce((outer, inner) -> inner)
              .map(PythonPolicy::place)
              .orElse("");
      String said = error.getMessage().replace(FILE, name()).replace(MODULE, name());
      return GloraException.failed(
          who + " failed in " + function + line + ": " + said + "; correct it and run again.", e);
    }
    if (e instanceof TimeLimitException) {
      return GloraException.failed(
          String.format(
              Locale.ROOT,
              "%s was stopped in %s at its time limit of %s s; make it faster, or raise"
                  + " policy.time_limit.",
              who,
              function,
              new BigDecimal(Double.toString(spec.timeLimit()))
                  .stripTrailingZeros()
                  .toPlainString()),
          e);
    }
    // Memory that ran out within Python, or its process's end at the limit of its heap.
    return GloraException.failed(
        who
            + " was ended in "
            + function
            + " with at most "
            + spec.memory()
            + " MiB to use ("
            + e.getMessage()
            + "); make it smaller, or raise policy.memory.",
        e);
  }

  private static String place(Frame frame) {
    return ", line " + frame.line();
  }

  @Override
  public void close() {
    if (python != null) {
      python.close();
    }
    if (folder != null) {
      try {
        Files.deleteIfExists(folder.resolve(FILE));
        Files.deleteIfExists(folder);
      } catch (IOException e) {
        folder.toFile().deleteOnExit();
      }
    }
  }
}
