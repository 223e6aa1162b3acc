package dev.glora.bridge;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Makes a Python environment that this library can start, from Java alone: a virtual environment
 * with NumPy, Jep built for exactly this Python and this version of the bridge, and what else is
 * asked for.
 *
 * <pre>{@code
 * Path python = PythonEnvironment.in(Path.of("venv")).with("torch==2.13.*").create();
 * }</pre>
 *
 * <p>It needs a CPython with its shared library, headers and {@code venv}, a JDK and a C compiler;
 * what is missing is named before anything is made. pip fetches packages by its own settings
 * ({@code PIP_INDEX_URL}, {@code PIP_FIND_LINKS}, …) and writes into {@code <folder>/pip.log}. An
 * environment that is whole and asked for the same is not made again; one whose making was cut
 * short is made from scratch. Two processes that want the same one wait for each other.
 */
public final class PythonEnvironment {

  private static final String STAMP = "glora-environment";
  private static final String LOG = "pip.log";
  private static final List<String> PYTHONS =
      List.of("python3", "python3.13", "python3.12", "python3.11");

  private final Path folder;
  private final List<String> requirements = new ArrayList<>();
  private Optional<Path> base = Optional.empty();

  private PythonEnvironment(Path folder) {
    this.folder = folder.toAbsolutePath().normalize();
  }

  /**
   * Begins the description of an environment.
   *
   * @param folder where it is to be; missing, or an environment made here before
   */
  public static PythonEnvironment in(Path folder) {
    return new PythonEnvironment(folder);
  }

  /**
   * Makes an environment with NumPy and Jep alone, from the first fitting Python on the {@code
   * PATH}.
   *
   * @param folder as for {@link #in}
   * @return the environment's executable
   * @throws PythonStartException as {@link #create()}
   */
  public static Path create(Path folder) {
    return in(folder).create();
  }

  /**
   * Adds packages.
   *
   * @param packages as pip takes them: {@code torch==2.13.*}
   * @return this
   */
  public PythonEnvironment with(String... packages) {
    requirements.addAll(List.of(packages));
    return this;
  }

  /**
   * Chooses the Python to start from, in place of the first fitting one on the {@code PATH}.
   *
   * @param python its executable
   * @return this
   */
  public PythonEnvironment from(Path python) {
    base = Optional.of(python.toAbsolutePath().normalize());
    return this;
  }

  /**
   * Makes the environment, unless it is there already.
   *
   * @return its Python executable, for {@link PythonConfig#of}
   * @throws PythonStartException if something is missing or fails, saying what and what to do
   */
  public Path create() {
    Path python = folder.resolve("bin").resolve("python");
    Path lockFile = folder.resolveSibling(folder.getFileName() + ".lock");
    try {
      Files.createDirectories(folder.getParent());
      try (FileChannel channel =
              FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        if (!isWhole(lock)) {
          make(python);
        }
      }
    } catch (OverlappingFileLockException e) {
      throw new PythonStartException(
          "Another thread of this process makes the environment " + folder + ": wait for it.",
          List.of(),
          e);
    } catch (IOException e) {
      throw new PythonStartException(
          "The Python environment %s could not be made (%s): see that the folder can be written."
              .formatted(folder, e),
          List.of(),
          e);
    }
    PythonProbe.ask(python);
    return python;
  }

  /** The stamp is written last, so an environment without it, or with another, is made anew. */
  private boolean isWhole(FileLock lock) throws IOException {
    Path stamp = folder.resolve(STAMP);
    return lock.isValid() && Files.exists(stamp) && Files.readString(stamp).equals(wanted());
  }

  private String wanted() {
    return "jep %s\n%s\n%s\n"
        .formatted(
            PythonProbe.jarVersion(),
            base.map(Path::toString).orElse("first on the PATH"),
            String.join("\n", requirements));
  }

  private void make(Path python) throws IOException {
    Path start = base.isPresent() ? requireFitting(base.get()) : firstOnPath();
    Path jdk = jdk();
    requireCompiler();
    if (Files.exists(folder)) {
      requireOwn();
      delete(folder);
    }
    run("Making the environment", jdk, start.toString(), "-m", "venv", folder.toString());
    // Jep's support for NumPy is fixed when it is compiled, hence NumPy first and no isolation; and
    // past pip's cache, where a jep made for another build of the same Python looks alike.
    pip(python, jdk, "numpy", "setuptools", "wheel");
    if (!requirements.isEmpty()) {
      pip(python, jdk, requirements.toArray(String[]::new));
    }
    pip(
        python,
        jdk,
        "--no-build-isolation",
        "--no-cache-dir",
        "--no-binary",
        "jep",
        "jep==" + PythonProbe.jarVersion());
    Path unfinished = folder.resolve(STAMP + ".new");
    Files.writeString(unfinished, wanted());
    Files.move(unfinished, folder.resolve(STAMP), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Keeps a wrong path from costing somebody a folder of theirs. */
  private void requireOwn() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      if (Files.exists(folder.resolve("pyvenv.cfg")) || files.findAny().isEmpty()) {
        return;
      }
    }
    throw new PythonStartException(
        "%s holds something that is no Python environment: name another folder.".formatted(folder),
        List.of());
  }

  private void pip(Path python, Path jdk, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                python.toString(),
                "-m",
                "pip",
                "--no-input",
                "--disable-pip-version-check",
                "install",
                "--progress-bar",
                "off"));
    command.addAll(List.of(arguments));
    run("Installing " + arguments[arguments.length - 1], jdk, command.toArray(String[]::new));
  }

  private void run(String what, Path jdk, String... command) throws IOException {
    // Beside the folder while that is not there yet.
    Path log = Files.exists(folder) ? folder.resolve(LOG) : Files.createTempFile("glora", LOG);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().put("JAVA_HOME", jdk.toString());
    builder.environment().keySet().removeAll(List.of("PYTHONHOME", "PYTHONPATH"));
    Process process = builder.start();
    process.getOutputStream().close();
    int status;
    try {
      status = process.waitFor();
    } catch (InterruptedException e) {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
      Thread.currentThread().interrupt();
      throw new PythonStartException(what + " was interrupted.", List.of(), e);
    }
    if (status != 0) {
      List<String> lines =
          new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
      String said =
          lines.stream()
              .filter(line -> line.startsWith("ERROR") || line.contains("rror:"))
              .reduce((first, last) -> last)
              .orElse(lines.isEmpty() ? "nothing" : lines.get(lines.size() - 1));
      throw new PythonStartException(
          "%s failed with status %d (\"%s\"): mend that and call again; all it said is in %s."
              .formatted(what, status, said.strip(), log),
          lines);
    }
    if (!log.startsWith(folder)) {
      Files.deleteIfExists(log);
    }
  }

  private static Path requireFitting(Path python) {
    PythonProbe.reasonAgainstBase(python)
        .ifPresent(
            reason -> {
              throw new PythonStartException(
                  ("No environment can be made from %s (%s): name a CPython 3.11 to 3.13 with its"
                          + " shared library, headers and venv.")
                      .formatted(python, reason),
                  List.of());
            });
    return python;
  }

  private static Path firstOnPath() {
    List<String> tried = new ArrayList<>();
    String path = System.getenv().getOrDefault("PATH", "");
    for (String entry : path.split(File.pathSeparator, -1)) {
      for (String name : PYTHONS) {
        Path candidate = Path.of(entry.isEmpty() ? "." : entry, name);
        if (Files.isExecutable(candidate)) {
          Optional<String> against = PythonProbe.reasonAgainstBase(candidate);
          if (against.isEmpty()) {
            return candidate.toAbsolutePath();
          }
          tried.add(candidate + ": " + against.get());
        }
      }
    }
    throw new PythonStartException(
        ("There is no fitting Python on the PATH (%s): install CPython 3.11 to 3.13 with its shared"
                + " library, headers and venv (Debian: apt install python3-dev python3-venv; pyenv:"
                + " PYTHON_CONFIGURE_OPTS=--enable-shared).")
            .formatted(tried.isEmpty() ? "found none" : String.join("; ", tried)),
        tried);
  }

  /** Jep is compiled against a JDK: this process's, or the one of {@code JAVA_HOME}. */
  private static Path jdk() {
    List<String> tried = new ArrayList<>();
    for (String home : new String[] {System.getProperty("java.home"), System.getenv("JAVA_HOME")}) {
      if (home != null) {
        Path jdk = Path.of(home);
        if (Files.isRegularFile(jdk.resolve("include").resolve("jni.h"))) {
          return jdk;
        }
        tried.add("no include/jni.h in " + home);
      }
    }
    throw new PythonStartException(
        ("Jep is compiled against a JDK and there is none (%s): run this on a JDK instead of a bare"
                + " runtime, or set JAVA_HOME to one.")
            .formatted(String.join("; ", tried)),
        tried);
  }

  private static void requireCompiler() {
    List<String> tried = new ArrayList<>();
    for (String name : new String[] {System.getenv("CC"), "cc", "gcc", "clang"}) {
      if (name == null || name.isBlank()) {
        continue;
      }
      List<String> command = new ArrayList<>(List.of(name.strip().split("\\s+")));
      command.add("--version");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0) {
          return;
        }
        process.destroyForcibly();
        tried.add(name + ": does not work");
      } catch (IOException e) {
        tried.add(name + ": not found");
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new PythonStartException("Looking for a C compiler was interrupted.", tried, e);
      }
    }
    throw new PythonStartException(
        ("Jep is compiled from its source and there is no working C compiler (%s): install one"
                + " (Debian: apt install gcc; macOS: xcode-select --install) or name it by CC.")
            .formatted(String.join("; ", tried)),
        tried);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      // Deepest first.
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
