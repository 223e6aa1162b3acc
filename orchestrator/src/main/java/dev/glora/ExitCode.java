package dev.glora;

/** How a command ended, as the shell sees it. */
public enum ExitCode {
  /** The work is done. */
  DONE(0),
  /** The work was started and failed. */
  FAILED(1),
  /** The command line or the experiment file is wrong; nothing was started. */
  USAGE(2),
  /** Java, Python, the disk or another part of the machine cannot be used. */
  ENVIRONMENT(3),
  /** A run that was repeated gave another result. */
  DIFFERS(4),
  /** Ctrl-C: the state is saved. */
  INTERRUPTED(130),
  /** TERM: the state is saved. */
  TERMINATED(143);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  /**
   * Returns the process's exit status.
   *
   * @return a number from 0 to 255
   */
  public int code() {
    return code;
  }

  /**
   * Returns the exit code that has a number.
   *
   * @param code an exit status
   * @return its name, {@link #FAILED} for a number that none has
   */
  public static ExitCode of(int code) {
    for (ExitCode exit : values()) {
      if (exit.code == code) {
        return exit;
      }
    }
    return FAILED;
  }
}
