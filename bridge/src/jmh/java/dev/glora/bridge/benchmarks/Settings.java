package dev.glora.bridge.benchmarks;

import java.nio.file.Path;

/** What the command line of the benchmarks' JVM tells; forks inherit it. */
final class Settings {

  private Settings() {}

  /** The folder of the checkout. */
  static Path root() {
    String root = System.getProperty("glora.root");
    if (root == null) {
      throw new IllegalStateException(
          "The system property glora.root is not set: run tools/bridge_benchmarks.");
    }
    return Path.of(root);
  }

  /** The product's Python. */
  static Path python() {
    return root().resolve(".venv/bin/python");
  }

  /** The folder of the Python functions. */
  static Path modules() {
    return root().resolve("bridge/src/jmh/python");
  }

  /** Threads of torch. */
  static String threads() {
    return System.getProperty("benchmarks.threads", "2");
  }

  /** Starts a Python script of a peer, its standard error shown. */
  static ProcessBuilder script(String name) {
    ProcessBuilder builder =
        new ProcessBuilder(python().toString(), modules().resolve(name).toString());
    builder.environment().put("OMP_NUM_THREADS", threads());
    builder.environment().put("PYTHONPATH", modules() + ":" + root().resolve(".venv/benchmarks"));
    return builder.redirectError(ProcessBuilder.Redirect.INHERIT);
  }
}
