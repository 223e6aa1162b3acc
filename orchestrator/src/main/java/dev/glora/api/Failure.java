package dev.glora.api;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.train.PythonCalls;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * The end of a command that went wrong: a sentence and an exit code.
 *
 * @param sentence one sentence, one line
 * @param code how the process ends
 */
public record Failure(String sentence, ExitCode code) {
  /**
   * Words an error.
   *
   * @param error whatever was thrown
   * @return its sentence and exit code
   */
  public static Failure of(Throwable error) {
    Throwable cause = error;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    Failure known = known(cause);
    return new Failure(oneLine(known.sentence), known.code);
  }

  private static Failure known(Throwable cause) {
    if (!(cause instanceof GloraException) && noSpace(cause)) {
      return new Failure(
          "There is no space left on a disk ("
              + cause.getMessage()
              + "): free some and give the same command again; what was computed so far is kept.",
          ExitCode.FAILED);
    }
    if (cause instanceof Error && !(cause instanceof OutOfMemoryError)) {
      return new Failure(
          "Java could not go on ("
              + cause
              + "); the stack trace is in the log, and glora doctor checks the machine.",
          ExitCode.FAILED);
    }
    GloraException ending = PythonCalls.translate(cause);
    return new Failure(ending.sentence(), ending.code());
  }

  private static boolean noSpace(Throwable cause) {
    for (Throwable at = cause; at != null; at = at.getCause()) {
      String message = String.valueOf(at.getMessage()).toLowerCase(Locale.ROOT);
      if (message.contains("no space left") || message.contains("disk quota exceeded")) {
        return true;
      }
    }
    return false;
  }

  private static String oneLine(String text) {
    return String.valueOf(text).replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
  }
}
