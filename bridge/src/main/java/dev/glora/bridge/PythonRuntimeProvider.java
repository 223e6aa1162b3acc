package dev.glora.bridge;

/** A backend, found by {@link java.util.ServiceLoader}. */
public interface PythonRuntimeProvider {

  /** Returns the name by which {@link PythonConfig#backend()} chooses this backend. */
  String name();

  /**
   * Starts the interpreter, or returns a handle on the one that is already started.
   *
   * @param config the configuration
   * @throws PythonStartException if that is not possible
   */
  PythonRuntime open(PythonConfig config);
}
