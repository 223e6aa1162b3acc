package dev.glora.bridge;

/** A call was ended by {@link PythonRuntime#interrupt()}; the interpreter is usable afterwards. */
public final class CancelledException extends BridgeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence
   */
  public CancelledException(String message) {
    super(message, null);
  }
}
