package dev.glora.bridge;

import java.util.List;

/** Python could not be started; the message is one sentence that says what to do. */
@SuppressWarnings("serial") // An immutable JDK list of strings.
public final class PythonStartException extends BridgeException {

  private static final long serialVersionUID = 1L;

  private final List<String> tried;

  /**
   * Creates the exception.
   *
   * @param message what was found, what was expected and what to do
   * @param tried the steps taken before, each with what it found
   * @param cause the failure below, or null
   */
  public PythonStartException(String message, List<String> tried, Throwable cause) {
    super(message, cause);
    this.tried = List.copyOf(tried);
  }

  /**
   * Creates the exception without a cause.
   *
   * @param message what was found, what was expected and what to do
   * @param tried the steps taken before, each with what it found
   */
  public PythonStartException(String message, List<String> tried) {
    this(message, tried, null);
  }

  /** Returns what was looked at, in order, each with what was found there. */
  public List<String> tried() {
    return tried;
  }
}
