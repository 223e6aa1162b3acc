package dev.glora.bridge;

/**
 * Python code used up what it was allowed to ({@link Limits}), such as its number of statements;
 * its interpreter was thrown away with all that it held, and the next call gets a new one.
 */
public final class ResourceLimitException extends BridgeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence
   * @param cause what reported it, or null
   */
  public ResourceLimitException(String message, Throwable cause) {
    super(message, cause);
  }
}
