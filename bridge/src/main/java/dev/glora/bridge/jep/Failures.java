package dev.glora.bridge.jep;

import dev.glora.bridge.BridgeException;
import dev.glora.bridge.CancelledException;
import dev.glora.bridge.Frame;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jep.JepException;

/** Turns what {@code failure} in {@code trampoline.py} tells into the exception to throw. */
final class Failures {

  private static final long MEMORY = 1;
  private static final long CANCELLED = 2;
  private static final String INTERRUPTED = JepPython.MODULE + ".Interrupted";
  private static final Pattern JEP_MESSAGE =
      Pattern.compile("<class '([^']*)'>(?:: (.*))?", Pattern.DOTALL);

  private Failures() {}

  /** Reads [FAILURE, kind, description]. */
  static BridgeException of(Object failure) {
    List<?> parts = (List<?>) failure;
    PythonException error = error((List<?>) parts.get(2));
    long kind = (Long) parts.get(1);
    if (kind == CANCELLED) {
      return cancelled();
    }
    return kind == MEMORY ? outOfMemory(error) : error;
  }

  /**
   * Makes the best of an exception that no entry caught: an interruption that struck in the entry
   * itself, or an error of Jep's conversions.
   */
  static BridgeException escaped(JepException e) {
    if (isInterruption(e)) {
      return cancelled();
    }
    String text = String.valueOf(e.getMessage());
    Matcher parts = JEP_MESSAGE.matcher(text);
    boolean known = parts.matches();
    String type = known ? parts.group(1) : JepException.class.getName();
    String message = known ? String.valueOf(parts.group(2)) : text;
    PythonException error = new PythonException(type, message, text, List.of(), List.of(), null);
    error.addSuppressed(e);
    return type.equals("MemoryError") ? outOfMemory(error) : error;
  }

  /** Tells whether this is an interruption that no entry caught. */
  static boolean isInterruption(JepException e) {
    return e.getMessage() != null && e.getMessage().startsWith("<class '" + INTERRUPTED + "'>");
  }

  private static CancelledException cancelled() {
    return new CancelledException("The Python code was interrupted.");
  }

  private static OutOfDeviceMemoryException outOfMemory(PythonException error) {
    return new OutOfDeviceMemoryException("Memory ran out in Python: " + error.getMessage(), error);
  }

  private static PythonException error(List<?> parts) {
    List<?> flat = (List<?>) parts.get(3);
    List<Frame> frames = new ArrayList<>(flat.size() / 3);
    for (int i = 0; i < flat.size(); i += 3) {
      int line = Math.toIntExact((Long) flat.get(i + 2));
      frames.add(new Frame((String) flat.get(i), (String) flat.get(i + 1), line));
    }
    List<String> notes = ((List<?>) parts.get(4)).stream().map(String.class::cast).toList();
    PythonException cause = parts.get(5) == null ? null : error((List<?>) parts.get(5));
    return new PythonException(
        (String) parts.get(0), (String) parts.get(1), (String) parts.get(2), frames, notes, cause);
  }
}
