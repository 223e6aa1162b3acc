package dev.glora.bridge;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A Python exception, with all that Python knew of it.
 *
 * <p>{@link #getMessage()} is Python's last line ({@code ValueError: too small}); the Java stack
 * trace starts with the Python frames, so an ordinary log shows both sides. {@code sys.exit}
 * arrives as this exception with the type {@code SystemExit}: it does not end the process.
 */
@SuppressWarnings(
    "serial") // The lists are immutable JDK lists of records; the bridge never serialises them.
public final class PythonException extends BridgeException {

  private static final long serialVersionUID = 1L;

  private final String type;
  private final String message;
  private final String traceback;
  private final List<Frame> frames;
  private final List<String> notes;

  /**
   * Creates the Java side of a Python exception.
   *
   * @param type the qualified type, builtins without their module
   * @param message {@code str(error)}
   * @param traceback the text that Python would have printed, chained exceptions included
   * @param frames the traceback's entries, outermost first
   * @param notes what {@code add_note} added
   * @param cause the exception it was raised from, or else raised while handling; may be null
   */
  public PythonException(
      String type,
      String message,
      String traceback,
      List<Frame> frames,
      List<String> notes,
      PythonException cause) {
    super(message.isEmpty() ? type : type + ": " + message, cause);
    this.type = Objects.requireNonNull(type);
    this.message = message;
    this.traceback = Objects.requireNonNull(traceback);
    this.frames = List.copyOf(frames);
    this.notes = List.copyOf(notes);
    prependFrames();
  }

  private void prependFrames() {
    List<StackTraceElement> trace = new ArrayList<>();
    for (int i = frames.size() - 1; i >= 0; i--) {
      Frame frame = frames.get(i);
      trace.add(new StackTraceElement("python", frame.function(), frame.file(), frame.line()));
    }
    trace.addAll(List.of(getStackTrace()));
    setStackTrace(trace.toArray(StackTraceElement[]::new));
  }

  /**
   * Returns the qualified type: {@code glora.errors.SourceError}, builtins as {@code ValueError}.
   */
  public String type() {
    return type;
  }

  /** Returns {@code str(error)}, which may be empty. */
  public String message() {
    return message;
  }

  /** Returns the traceback as Python formats it, with chained exceptions and notes. */
  public String traceback() {
    return traceback;
  }

  /** Returns the frames, outermost first; the bridge's own are left out. */
  public List<Frame> frames() {
    return frames;
  }

  /** Returns what {@code add_note} added, in order. */
  public List<String> notes() {
    return notes;
  }

  /** Returns the exception this one was raised from, or else while handling which it was raised. */
  public Optional<PythonException> pythonCause() {
    return Optional.ofNullable((PythonException) getCause());
  }
}
