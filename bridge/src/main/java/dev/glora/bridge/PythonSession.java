package dev.glora.bridge;

/** Python, seen from its own thread. */
public interface PythonSession {

  /**
   * Returns a function, imported and looked up at the first time only.
   *
   * @param module the module to import, like {@code "glora.java"}
   * @param name an attribute of it that can be called; dots go deeper, like {@code "Path.home"}
   * @throws PythonException if the module cannot be imported or has no such callable
   */
  PythonFunction function(String module, String name);

  /**
   * Calls a function and returns what it returned.
   *
   * @param module the module to import
   * @param function the function's name
   * @param args see {@link PythonFunction#call}
   * @throws BridgeException if the Python code does not end well
   */
  default Object call(String module, String function, Object... args) {
    return function(module, function).call(args);
  }
}
