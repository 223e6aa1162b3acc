package dev.glora.bridge.graalpy;

import dev.glora.bridge.BridgeException;
import dev.glora.bridge.Frame;
import dev.glora.bridge.Limits;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.ResourceLimitException;
import dev.glora.bridge.spi.Failures;
import java.util.ArrayList;
import java.util.List;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.SourceSection;

/** Makes the best of what ends Python code without being an exception of Python's. */
final class GraalpyFailures {

  private GraalpyFailures() {}

  /** Returns the exception of a context that reached its limit and is gone. */
  static BridgeException usedUp(Limits limits, PolyglotException e) {
    return new ResourceLimitException(
        ("The Python code was stopped after the %d statements that a call may run; its interpreter"
                + " was thrown away: raise the limit, or do less in one call.")
            .formatted(limits.statements().orElse(0)),
        e);
  }

  /** Returns the exception of a context that goes on. */
  static BridgeException escaped(PolyglotException e) {
    if (e.isInterrupted()) {
      return Failures.cancelled();
    }
    if (e.isExit()) { // An end of the process that no handler saw.
      return error("SystemExit", Integer.toString(e.getExitStatus()), e);
    }
    String message = String.valueOf(e.getMessage());
    if (e.isResourceExhausted()) {
      return message.contains("StackOverflow") || message.contains("stack")
          ? error("RecursionError", message, e)
          : new OutOfDeviceMemoryException("Memory ran out in Python: " + message, e);
    }
    return error(e.isInternalError() ? "SystemError" : "RuntimeError", message, e);
  }

  private static PythonException error(String type, String message, PolyglotException e) {
    List<Frame> frames = new ArrayList<>();
    for (PolyglotException.StackFrame frame : e.getPolyglotStackTrace()) {
      SourceSection at = frame.getSourceLocation();
      if (frame.isGuestFrame() && at != null && !at.getSource().getName().startsWith("<")) {
        String file = at.getSource().getPath();
        frames.add(
            0,
            new Frame(
                file == null ? at.getSource().getName() : file,
                frame.getRootName(),
                at.getStartLine()));
      }
    }
    String text = type + ": " + message;
    PythonException error =
        new PythonException(type, message, text, frames, List.of(), PythonException.Chain.NONE);
    error.addSuppressed(e);
    return error;
  }
}
