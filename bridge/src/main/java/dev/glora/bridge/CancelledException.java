package dev.glora.bridge;

/**
 * A call was ended from outside, by {@link PythonRuntime#interrupt()}, by cancelling its future or
 * at its time limit; the interpreter is usable afterwards.
 */
public sealed class CancelledException extends BridgeException permits TimeLimitException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence
   */
  public CancelledException(String message) {
    this(message, null);
  }

  CancelledException(String message, Throwable cause) {
    super(message, cause);
  }
}
