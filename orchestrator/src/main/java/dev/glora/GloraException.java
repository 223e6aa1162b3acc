package dev.glora;

/**
 * The end of a command that a user can understand: one sentence that says what was found, what was
 * expected and what to do, and the exit code.
 *
 * <p>The sentence goes to standard error as it is; the cause goes to the run's log alone.
 */
public class GloraException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** How the process is to end. */
  private final ExitCode code;

  /**
   * Makes an ending.
   *
   * @param code how the process is to end
   * @param sentence one sentence for the user
   * @param cause what brought it about, or null
   */
  public GloraException(ExitCode code, String sentence, Throwable cause) {
    super(sentence, cause);
    this.code = code;
  }

  /**
   * The command line or the experiment is wrong.
   *
   * @param sentence one sentence for the user
   * @return an ending with {@link ExitCode#USAGE}
   */
  public static GloraException usage(String sentence) {
    return new GloraException(ExitCode.USAGE, sentence, null);
  }

  /**
   * The machine lacks something.
   *
   * @param sentence one sentence for the user
   * @return an ending with {@link ExitCode#ENVIRONMENT}
   */
  public static GloraException environment(String sentence) {
    return new GloraException(ExitCode.ENVIRONMENT, sentence, null);
  }

  /**
   * The machine lacks something.
   *
   * @param sentence one sentence for the user
   * @param cause what brought it about
   * @return an ending with {@link ExitCode#ENVIRONMENT}
   */
  public static GloraException environment(String sentence, Throwable cause) {
    return new GloraException(ExitCode.ENVIRONMENT, sentence, cause);
  }

  /**
   * The work was started and failed.
   *
   * @param sentence one sentence for the user
   * @return an ending with {@link ExitCode#FAILED}
   */
  public static GloraException failed(String sentence) {
    return new GloraException(ExitCode.FAILED, sentence, null);
  }

  /**
   * The work was started and failed.
   *
   * @param sentence one sentence for the user
   * @param cause what brought it about
   * @return an ending with {@link ExitCode#FAILED}
   */
  public static GloraException failed(String sentence, Throwable cause) {
    return new GloraException(ExitCode.FAILED, sentence, cause);
  }

  /**
   * Says how the process is to end.
   *
   * @return the exit code
   */
  public ExitCode code() {
    return code;
  }

  /**
   * The sentence for the user.
   *
   * @return one sentence
   */
  public String sentence() {
    return getMessage();
  }
}
