package dev.glora.bridge.spi;

/** Stands for what a Java function threw in another process, which keeps the exception itself. */
public final class RemoteError extends Exception {

  private static final long serialVersionUID = 1L;

  private final long number;
  private final String javaClass;

  /**
   * Creates the stand-in.
   *
   * @param number under which the other process keeps the exception
   * @param javaClass the exception's class
   * @param message the exception's message
   */
  public RemoteError(long number, String javaClass, String message) {
    super(message, null, false, false);
    this.number = number;
    this.javaClass = javaClass;
  }

  /** Returns the number under which the other process keeps the exception. */
  public long number() {
    return number;
  }

  /** Returns the name of the exception's class. */
  public String javaClass() {
    return javaClass;
  }
}
