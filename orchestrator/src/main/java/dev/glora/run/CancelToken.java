package dev.glora.run;

import dev.glora.ExitCode;
import dev.glora.GloraException;

/** The wish to stop: set once, from any thread; the loops look at it between steps. */
public final class CancelToken {
  private volatile int signal;

  /**
   * Asks everything to stop. A second call changes nothing.
   *
   * @param exitCode how the process is to end: 130 after Ctrl-C, 143 after TERM
   */
  public void cancel(int exitCode) {
    if (signal == 0) {
      signal = exitCode;
    }
  }

  /**
   * Whether to stop.
   *
   * @return true once cancelled
   */
  public boolean cancelled() {
    return signal != 0;
  }

  /**
   * How the process is to end.
   *
   * @return exit code, 0 while nobody cancelled
   */
  public int signal() {
    return signal;
  }

  /**
   * The end of what was cancelled.
   *
   * @return an exception with the exit code; the state is saved
   */
  public GloraException exception() {
    boolean terminated = signal == ExitCode.TERMINATED.code();
    return new GloraException(
        terminated ? ExitCode.TERMINATED : ExitCode.INTERRUPTED,
        (terminated ? "Terminated" : "Interrupted")
            + "; everything done so far is saved, run the same command again to go on.",
        null);
  }

  /** Throws {@link #exception} once cancelled. */
  public void check() {
    if (cancelled()) {
      throw exception();
    }
  }
}
