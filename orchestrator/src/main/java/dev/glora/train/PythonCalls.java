package dev.glora.train;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.bridge.CancelledException;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.WorkerDiedException;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Waits for Python and turns what it threw into a sentence and an exit code. */
public final class PythonCalls {
  private static final String ERRORS = "glora.errors.";

  private PythonCalls() {}

  /**
   * Waits for a result.
   *
   * @param future a call or a task
   * @param <T> the result's type
   * @return the result
   * @throws GloraException for whatever ended the call
   */
  public static <T> T await(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      throw translate(e.getCause() == null ? e : e.getCause());
    }
  }

  /**
   * Turns an exception into one that a user understands.
   *
   * @param error what a call threw
   * @return the error itself where it is a {@link GloraException}; an {@link Error} is thrown on
   */
  public static GloraException translate(Throwable error) {
    if (error instanceof GloraException known) {
      return known;
    }
    if (error instanceof Error fatal && !(error instanceof OutOfMemoryError)) {
      throw fatal;
    }
    if (error instanceof PythonException python) {
      return python(python);
    }
    if (error instanceof OutOfDeviceMemoryException || error instanceof OutOfMemoryError) {
      return GloraException.failed(
          "Memory ran out ("
              + oneLine(error)
              + "): use a smaller batch_size or max_length, or give the machine more memory; what"
              + " was computed so far is kept.",
          error);
    }
    if (error instanceof WorkerDiedException) {
      return GloraException.failed(oneLine(error).replaceFirst(" PythonRuntime\\..*", ""), error);
    }
    if (error instanceof CancelledException) {
      return new GloraException(
          ExitCode.INTERRUPTED, "Interrupted; run the same command again to go on.", error);
    }
    if (error instanceof PythonStartException) {
      return GloraException.environment(oneLine(error), error);
    }
    return GloraException.failed(
        "An unexpected error ended the work ("
            + oneLine(error)
            + "); its trace is in the run's log, and the same command goes on from the last"
            + " checkpoint.",
        error);
  }

  private static GloraException python(PythonException error) {
    if (!error.type().startsWith(ERRORS)) {
      return GloraException.failed(
          "Python ended with "
              + oneLine(error)
              + "; its traceback is in the run's log, and the same command goes on from the last"
              + " checkpoint.",
          error);
    }
    ExitCode code =
        switch (error.type().substring(ERRORS.length())) {
          case "ConfigurationError" -> ExitCode.USAGE;
          case "EnvironmentNotUsable" -> ExitCode.ENVIRONMENT;
          default -> ExitCode.FAILED;
        };
    return new GloraException(code, error.message(), error);
  }

  private static String oneLine(Throwable error) {
    String message = error.getMessage();
    String text = message == null ? error.getClass().getSimpleName() : message;
    return text.lines().findFirst().orElse(error.getClass().getSimpleName()).strip();
  }

  /**
   * A loss for progress lines.
   *
   * @param loss a number
   * @return it with three digits
   */
  static String note(double loss) {
    return String.format(Locale.ROOT, "loss %.3f", loss);
  }
}
