package dev.glora.bridge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * Asks a Python executable what an embedder must know, before anything native is loaded.
 *
 * <p>CPython cannot be started a second time in a process, so whatever can be wrong is found here,
 * each with a sentence of its own.
 */
public final class PythonProbe {

  private static final String MARKER = "glora-probe ";
  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final int OLDEST = 11;
  private static final int NEWEST = 13;

  private final Path python;
  private final Duration timeout;
  private final List<String> tried = new ArrayList<>();

  private PythonProbe(Path python, Duration timeout) {
    this.python = python.toAbsolutePath().normalize();
    this.timeout = timeout;
  }

  /**
   * Runs the executable once and checks its answer.
   *
   * @param python the Python executable
   * @return what it said
   * @throws PythonStartException if it cannot be embedded, saying why
   */
  public static PythonInfo ask(Path python) {
    return ask(python, TIMEOUT);
  }

  static PythonInfo ask(Path python, Duration timeout) {
    return new PythonProbe(python, timeout).ask();
  }

  /**
   * Tells why an environment cannot be made from this Python, or nothing where it can.
   *
   * @param python a Python executable, of whatever age
   */
  static Optional<String> reasonAgainstBase(Path python) {
    PythonProbe probe = new PythonProbe(python, TIMEOUT);
    try {
      String said = probe.run("probe_base.py").strip();
      return said.startsWith("ok ") ? Optional.empty() : Optional.of(said);
    } catch (PythonStartException e) {
      return Optional.of("does not run");
    }
  }

  private PythonInfo ask() {
    if (!Files.exists(python)) {
      throw failure(
          ("There is no Python at %s: name an existing Python executable, or make the "
                  + "virtual environment that should be there.")
              .formatted(python));
    }
    if (Files.isDirectory(python) || !Files.isExecutable(python)) {
      throw failure(
          "%s is not an executable file: name the Python executable itself, like .venv/bin/python."
              .formatted(python));
    }
    tried.add("found " + python);
    return check(answer(run("probe.py")));
  }

  private String run(String script) {
    Path folder = null;
    try {
      // Both streams go to files: a grandchild that keeps a pipe open could make reading it
      // endless.
      folder = Files.createTempDirectory("glora-probe");
      Path output = folder.resolve("output");
      Path errors = folder.resolve("errors");
      Process process =
          new ProcessBuilder(python.toString(), "-c", script(script))
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile())
              .start();
      process.getOutputStream().close();
      if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        tried.add("ran it with -c: no end");
        throw failure(
            "%s did not answer within %d s: name a CPython 3.%d to 3.%d executable that starts."
                .formatted(python, timeout.toSeconds(), OLDEST, NEWEST));
      }
      int status = process.exitValue();
      tried.add("ran it with -c: exit status " + status);
      if (status != 0) {
        throw failure(
            ("%s is not a working Python: asked about itself it ended with status %d%s; "
                    + "name a CPython 3.%d to 3.%d.")
                .formatted(python, status, quoted(read(errors)), OLDEST, NEWEST));
      }
      return read(output);
    } catch (IOException e) {
      throw new PythonStartException(
          "%s could not be run (%s): name a CPython 3.%d to 3.%d executable for this machine."
              .formatted(python, e.getMessage(), OLDEST, NEWEST),
          tried,
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PythonStartException("Asking " + python + " was interrupted.", tried, e);
    } finally {
      delete(folder);
    }
  }

  /** Reads a file as text, whatever bytes it holds: a wrong executable may print anything. */
  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  private JsonNode answer(String output) {
    int start = output.lastIndexOf(MARKER);
    if (start >= 0) {
      try {
        return new ObjectMapper().readTree(output.substring(start + MARKER.length()));
      } catch (JsonProcessingException e) {
        tried.add("its answer is not JSON: " + e.getOriginalMessage());
      }
    }
    throw failure(
        ("%s is not Python: asked about itself it answered%s; name a CPython 3.%d to 3.%d "
                + "executable.")
            .formatted(python, output.isBlank() ? " nothing" : quoted(output), OLDEST, NEWEST));
  }

  private PythonInfo check(JsonNode answer) {
    String version = answer.path("version").asText();
    tried.add(answer.path("implementation").asText() + " " + version);
    if (!"CPython".equals(answer.path("implementation").asText())) {
      throw failure(
          "%s is %s %s, which cannot be embedded: name a CPython 3.%d to 3.%d."
              .formatted(python, answer.path("implementation").asText(), version, OLDEST, NEWEST));
    }
    checkVersion(version);
    if (answer.path("free_threaded").asBoolean()) {
      throw failure(
          ("%s is a free-threaded Python %s, on which Jep does not run: name an ordinary "
                  + "CPython 3.%d to 3.%d.")
              .formatted(python, version, OLDEST, NEWEST));
    }
    checkEnvironment(answer, version);
    Path library = library(answer, version);
    Path jep = jepDirectory(answer);
    String builtFor = answer.path("jep_built_for").asText(minor(version));
    if (!builtFor.equals(minor(version))) {
      throw failure(
          ("%s is Python %s and its package jep was built for %s: run \"%s -m pip install"
                  + " --force-reinstall --no-binary jep --no-cache-dir jep==%s\".")
              .formatted(python, version, builtFor, python, jarVersion()));
    }
    String jepVersion = answer.path("jep_version").asText("unknown");
    String jarVersion = jarVersion();
    tried.add("jep " + jepVersion + " in " + jep + ", jar " + jarVersion);
    if (!jepVersion.equals(jarVersion)) {
      throw failure(
          ("%s has jep %s and the Java side is jep %s, which must be equal: run \"%s -m pip "
                  + "install jep==%s\".")
              .formatted(python, jepVersion, jarVersion, python, jarVersion));
    }
    return new PythonInfo(
        python,
        version,
        Path.of(answer.path("prefix").asText()),
        Path.of(answer.path("base_prefix").asText()),
        library,
        jep,
        jepVersion,
        Optional.ofNullable(answer.path("numpy_version").textValue()),
        Optional.ofNullable(answer.path("torch_version").textValue()));
  }

  private void checkVersion(String version) {
    String[] parts = version.split("\\.", -1);
    boolean supported = false;
    if (parts.length >= 2 && parts[0].equals("3") && parts[1].matches("\\d{1,3}")) {
      int minor = Integer.parseInt(parts[1]);
      supported = minor >= OLDEST && minor <= NEWEST;
    }
    if (!supported) {
      throw failure(
          "%s is Python %s and 3.%d to 3.%d is needed: name another executable."
              .formatted(python, version, OLDEST, NEWEST));
    }
  }

  /** Refuses a virtual environment whose base has since become another Python. */
  private void checkEnvironment(JsonNode answer, String version) {
    String madeFor = answer.path("made_for").asText(minor(version));
    if (!madeFor.equals(minor(version))) {
      throw failure(
          ("%s belongs to a virtual environment that was made for Python %s and is now Python %s,"
                  + " which does not see its packages: make the environment anew (%s).")
              .formatted(python, madeFor, version, answer.path("prefix").asText()));
    }
  }

  private static String minor(String version) {
    String[] parts = version.split("\\.", -1);
    return parts.length < 2 ? version : parts[0] + "." + parts[1];
  }

  private Path library(JsonNode answer, String version) {
    for (JsonNode candidate : answer.path("libraries")) {
      Path library = Path.of(candidate.asText());
      boolean found = Files.isRegularFile(library);
      tried.add((found ? "found " : "no ") + library);
      if (found) {
        return library;
      }
    }
    throw failure(
        ("%s is a static Python %s without the shared library that embedding needs: install "
                + "one that has it (Debian: libpython3-dev; pyenv: "
                + "PYTHON_CONFIGURE_OPTS=--enable-shared; source: ./configure --enable-shared).")
            .formatted(python, version));
  }

  private Path jepDirectory(JsonNode answer) {
    String folder = answer.path("jep_directory").textValue();
    if (folder == null) {
      throw failure(
          ("%s has no package jep, by which Java calls it: run \"%s -m pip install "
                  + "jep==%s\" (needs a JDK and a C compiler).")
              .formatted(python, python, jarVersion()));
    }
    Path library = Path.of(folder, nativeName());
    if (!Files.isRegularFile(library)) {
      throw failure(
          ("%s has a package jep without its native part %s: run \"%s -m pip install "
                  + "--force-reinstall jep==%s\".")
              .formatted(python, library, python, jarVersion()));
    }
    return Path.of(folder);
  }

  /** Returns the file name of Jep's native part on this system. */
  static String nativeName() {
    return System.getProperty("os.name").startsWith("Mac")
        ? "libjep.jnilib"
        : System.mapLibraryName("jep");
  }

  /** Returns the version of the Jep that is on the class path. */
  static String jarVersion() {
    try (InputStream in =
        PythonProbe.class.getResourceAsStream("/META-INF/maven/org.ninia/jep/pom.properties")) {
      if (in == null) {
        return "missing";
      }
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String script(String name) throws IOException {
    try (InputStream in = PythonProbe.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String quoted(String output) {
    String last = output.strip();
    last = last.substring(last.lastIndexOf('\n') + 1);
    if (last.length() > 200) {
      last = last.substring(0, 200) + "…";
    }
    return last.isEmpty() ? "" : " (\"" + last + "\")";
  }

  private static void delete(Path folder) {
    if (folder == null) {
      return;
    }
    try {
      Files.deleteIfExists(folder.resolve("output"));
      Files.deleteIfExists(folder.resolve("errors"));
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private PythonStartException failure(String sentence) {
    return new PythonStartException(sentence, tried);
  }
}
