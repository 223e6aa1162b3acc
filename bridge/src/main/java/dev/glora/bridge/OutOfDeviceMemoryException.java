package dev.glora.bridge;

/**
 * Memory ran out, on a GPU or on the host, in whatever shape the library at fault reported it.
 *
 * <p>The cause is the {@link PythonException} that told of it, or the {@link OutOfMemoryError} of
 * the Java heap's direct memory. The interpreter is usable afterwards.
 */
public final class OutOfDeviceMemoryException extends BridgeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence
   * @param cause what reported it
   */
  public OutOfDeviceMemoryException(String message, Throwable cause) {
    super(message, cause);
  }
}
