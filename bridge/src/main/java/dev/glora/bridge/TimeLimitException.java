package dev.glora.bridge;

import java.time.Duration;

/** A call was ended because it ran longer than it was allowed to. */
public final class TimeLimitException extends CancelledException {

  private static final long serialVersionUID = 1L;

  private final Duration limit;

  private TimeLimitException(Duration limit, Throwable cause) {
    super(
        "The Python code was stopped at its time limit of %d ms.".formatted(limit.toMillis()),
        cause);
    this.limit = limit;
  }

  /**
   * Creates the exception.
   *
   * @param limit the limit that was reached
   * @param cause how the call ended
   */
  public static TimeLimitException after(Duration limit, Throwable cause) {
    return new TimeLimitException(limit, cause);
  }

  /** Returns the limit that was reached. */
  public Duration limit() {
    return limit;
  }
}
