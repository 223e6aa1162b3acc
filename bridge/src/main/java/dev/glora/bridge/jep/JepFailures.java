package dev.glora.bridge.jep;

import dev.glora.bridge.BridgeException;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.spi.Failures;
import dev.glora.bridge.spi.Trampoline;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jep.JepException;

/**
 * Makes the best of an exception that no entry caught: an interruption that struck in the entry
 * itself, or an error of Jep's conversions.
 */
final class JepFailures {

  private static final String INTERRUPTED = Trampoline.MODULE + ".Interrupted";
  private static final Pattern JEP_MESSAGE =
      Pattern.compile("<class '([^']*)'>(?:: (.*))?", Pattern.DOTALL);

  private JepFailures() {}

  static BridgeException escaped(JepException e) {
    if (isInterruption(e)) {
      return Failures.cancelled();
    }
    String text = String.valueOf(e.getMessage());
    Matcher parts = JEP_MESSAGE.matcher(text);
    boolean known = parts.matches();
    String type = known ? parts.group(1) : JepException.class.getName();
    String message = known ? String.valueOf(parts.group(2)) : text;
    PythonException error =
        new PythonException(type, message, text, List.of(), List.of(), PythonException.Chain.NONE);
    error.addSuppressed(e);
    return type.equals("MemoryError") ? Failures.outOfMemory(error) : error;
  }

  /** Tells whether this is an interruption that no entry caught. */
  static boolean isInterruption(JepException e) {
    return e.getMessage() != null && e.getMessage().startsWith("<class '" + INTERRUPTED + "'>");
  }
}
