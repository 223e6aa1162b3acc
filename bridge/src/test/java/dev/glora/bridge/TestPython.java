package dev.glora.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** The project's own Python and the modules that the tests call. */
public final class TestPython {

  private static final String SAMPLES = "bridge_samples.py";
  private static final Path MODULES = findModules();

  private TestPython() {}

  /** Returns the executable of the checkout's virtual environment. */
  public static Path executable() {
    String root = System.getProperty("glora.root");
    if (root == null) {
      throw new IllegalStateException(
          "The system property glora.root is not set: it names the folder of the checkout.");
    }
    return Path.of(root, ".venv", "bin", "python");
  }

  /**
   * Returns the folder that holds {@code bridge_samples.py}; a copy where this is run from a jar.
   */
  public static Path modules() {
    return MODULES;
  }

  private static Path findModules() {
    URL url = TestPython.class.getResource("/python/" + SAMPLES);
    try {
      if (url.getProtocol().equals("file")) {
        return Path.of(url.toURI()).getParent();
      }
      Path folder = Files.createTempDirectory("glora-bridge-tests");
      Path file = folder.resolve(SAMPLES);
      try (InputStream in = url.openStream()) {
        Files.copy(in, file);
      }
      folder.toFile().deleteOnExit();
      file.toFile().deleteOnExit();
      return folder;
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns the configuration that all tests of a backend use. */
  public static PythonConfig config(String backend) {
    return PythonConfig.builder(executable())
        .backend(backend)
        .environment("OMP_NUM_THREADS", "2")
        .environment("GLORA_BRIDGE_TEST", "here ä")
        .modulePath(modules())
        .build();
  }

  /** Returns what a future failed with, without its wrapping. */
  public static Throwable failure(CompletableFuture<?> future) {
    return future.handle((value, error) -> error).join();
  }
}
