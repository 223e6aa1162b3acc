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
 *
 * <p>{@link #getCause()} is what Python would show first: what a {@link JavaFunction} threw, else
 * the exception that this one was raised from, else the one while handling which it was raised.
 * {@link #pythonCause()} and {@link #pythonContext()} tell the two apart.
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
  private final PythonException explicitCause;
  private final PythonException context;
  private final List<PythonException> group;

  /**
   * Creates the Java side of a Python exception.
   *
   * @param type the qualified type, builtins without their module
   * @param message {@code str(error)}
   * @param traceback the text that Python would have printed, chained exceptions included
   * @param frames the traceback's entries, outermost first
   * @param notes what {@code add_note} added
   * @param chain the exceptions around it
   */
  public PythonException(
      String type,
      String message,
      String traceback,
      List<Frame> frames,
      List<String> notes,
      Chain chain) {
    super(message.isEmpty() ? type : type + ": " + message, chain.shown());
    this.type = Objects.requireNonNull(type);
    this.message = message;
    this.traceback = Objects.requireNonNull(traceback);
    this.frames = List.copyOf(frames);
    this.notes = List.copyOf(notes);
    this.explicitCause = chain.cause();
    this.context = chain.context();
    this.group = List.copyOf(chain.group());
    prependFrames();
  }

  /**
   * The exceptions around a Python exception.
   *
   * @param java what a {@link JavaFunction} threw, if this is its {@code JavaError}, or null
   * @param cause {@code __cause__}, or null
   * @param context {@code __context__}, or null
   * @param contextShown false where {@code from None} or a cause suppresses the context
   * @param group the parts of an {@code ExceptionGroup}, else empty
   */
  public record Chain(
      Throwable java,
      PythonException cause,
      PythonException context,
      boolean contextShown,
      List<PythonException> group) {

    /** No exceptions around it. */
    public static final Chain NONE = new Chain(null, null, null, false, List.of());

    Throwable shown() {
      if (java != null) {
        return java;
      }
      return cause != null || !contextShown ? cause : context;
    }
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

  /** Returns the exception this one was raised from ({@code raise … from …}). */
  public Optional<PythonException> pythonCause() {
    return Optional.ofNullable(explicitCause);
  }

  /** Returns the exception while handling which this one was raised, also where it is not shown. */
  public Optional<PythonException> pythonContext() {
    return Optional.ofNullable(context);
  }

  /** Returns the parts of an {@code ExceptionGroup}, in order; empty for any other exception. */
  public List<PythonException> group() {
    return group;
  }
}
