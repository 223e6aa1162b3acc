package dev.glora.bridge;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What it takes to start Python: an executable, and little else.
 *
 * @param python the Python executable, usually of a virtual environment; made absolute, links kept;
 *     empty for backends that bring their own Python
 * @param backend the name of the backend, {@value #DEFAULT_BACKEND} unless told
 * @param environment variables put into {@code os.environ} before anything else is imported ({@code
 *     OMP_NUM_THREADS}); those that CPython itself reads at its start ({@code PYTHONHASHSEED}) come
 *     too late here
 * @param modulePath folders put in front of {@code sys.path}, in order
 * @param limits what Python code may use up; none unless told
 * @param worker how the backend {@code worker} starts its process; other backends ignore it
 */
public record PythonConfig(
    Optional<Path> python,
    String backend,
    Map<String, String> environment,
    List<Path> modulePath,
    Limits limits,
    WorkerOptions worker) {

  /** The backend that embeds CPython in the process. */
  public static final String DEFAULT_BACKEND = "jep";

  /** Checks and copies the parts. */
  public PythonConfig {
    Objects.requireNonNull(backend, "backend");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(worker, "worker");
    python = python.map(p -> p.toAbsolutePath().normalize());
    environment = Map.copyOf(environment);
    modulePath = modulePath.stream().map(p -> p.toAbsolutePath().normalize()).toList();
    for (String name : environment.keySet()) {
      if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
        throw new IllegalArgumentException(
            "The environment variable name \""
                + name
                + "\" is not usable: a name is not empty and holds neither '=' nor a zero"
                + " character.");
      }
    }
  }

  /** Returns the parts, of the environment only the names: values may be secret. */
  @Override
  public String toString() {
    return "PythonConfig[python=%s, backend=%s, environment=%s, modulePath=%s, limits=%s, worker=%s]"
        .formatted(
            python.map(Path::toString).orElse("none"),
            backend,
            new TreeSet<>(environment.keySet()),
            modulePath,
            limits,
            worker);
  }

  /**
   * Returns the configuration for an executable with everything else at its default.
   *
   * @param python the Python executable
   */
  public static PythonConfig of(Path python) {
    return builder(python).build();
  }

  /**
   * Returns a builder.
   *
   * @param python the Python executable
   */
  public static Builder builder(Path python) {
    return new Builder(
        Optional.of(
            Objects.requireNonNull(python, "python: the path of a Python executable is needed")));
  }

  /** Returns a builder for a backend that brings its own Python. */
  public static Builder builder() {
    return new Builder(Optional.empty());
  }

  /**
   * Returns the executable, for backends that need one.
   *
   * @throws PythonStartException if none was named
   */
  public Path executable() {
    return python.orElseThrow(
        () ->
            new PythonStartException(
                "The backend \""
                    + backend
                    + "\" needs a Python executable and none was named: use"
                    + " PythonConfig.builder(Path).",
                List.of()));
  }

  /** Builds a {@link PythonConfig}. */
  public static final class Builder {
    private final Optional<Path> python;
    private String backend = DEFAULT_BACKEND;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final List<Path> modulePath = new ArrayList<>();
    private Limits limits = Limits.NONE;
    private WorkerOptions worker = WorkerOptions.DEFAULT;

    private Builder(Optional<Path> python) {
      this.python = python;
    }

    /**
     * Chooses the backend by name.
     *
     * @param name the name that a {@link PythonRuntimeProvider} declares
     * @return this builder
     */
    public Builder backend(String name) {
      backend = name;
      return this;
    }

    /**
     * Adds an environment variable for Python code.
     *
     * @param name the variable
     * @param value its value
     * @return this builder
     */
    public Builder environment(String name, String value) {
      environment.put(name, value);
      return this;
    }

    /**
     * Adds a folder in front of {@code sys.path}, behind those added before.
     *
     * @param folder a folder with Python modules
     * @return this builder
     */
    public Builder modulePath(Path folder) {
      modulePath.add(folder);
      return this;
    }

    /**
     * Limits what Python code may use up.
     *
     * @param limit the limits
     * @return this builder
     */
    public Builder limits(Limits limit) {
      limits = limit;
      return this;
    }

    /**
     * Sets how the backend {@code worker} starts its process.
     *
     * @param options the options
     * @return this builder
     */
    public Builder worker(WorkerOptions options) {
      worker = options;
      return this;
    }

    /** Returns the configuration. */
    public PythonConfig build() {
      return new PythonConfig(python, backend, environment, modulePath, limits, worker);
    }
  }
}
