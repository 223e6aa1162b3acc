package dev.glora.bridge.spi;

import dev.glora.bridge.BridgeException;
import dev.glora.bridge.CancelledException;
import dev.glora.bridge.Frame;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/** Turns what {@code failure} in {@code trampoline.py} tells into the exception to throw. */
public final class Failures {

  private static final long MEMORY = 1;
  private static final long CANCELLED = 2;

  private final List<?> described;
  private final LongFunction<Throwable> thrown;
  private final PythonException[] made;
  private final boolean[] begun;

  private Failures(List<?> described, LongFunction<Throwable> thrown) {
    this.described = described;
    this.thrown = thrown;
    this.made = new PythonException[described.size()];
    this.begun = new boolean[described.size()];
  }

  /**
   * Reads a failure.
   *
   * @param failure [FAILURE, kind, descriptions]
   * @param thrown gives the exception that a Java function threw, by its number
   */
  public static BridgeException of(List<?> failure, LongFunction<Throwable> thrown) {
    PythonException error = python((List<?>) failure.get(2), thrown);
    long kind = (Long) failure.get(1);
    if (kind == CANCELLED) {
      return cancelled();
    }
    return kind == MEMORY ? outOfMemory(error) : error;
  }

  /**
   * Makes the first of these exceptions, with those around it.
   *
   * @param described what {@code trampoline.py} tells of them
   * @param thrown as above
   */
  public static PythonException python(List<?> described, LongFunction<Throwable> thrown) {
    return new Failures(described, thrown).error(0);
  }

  /** Returns the exception of an interrupted call. */
  public static CancelledException cancelled() {
    return new CancelledException("The Python code was interrupted.");
  }

  /**
   * Returns the exception for memory that ran out.
   *
   * @param error what told of it
   */
  public static OutOfDeviceMemoryException outOfMemory(PythonException error) {
    return new OutOfDeviceMemoryException("Memory ran out in Python: " + error.getMessage(), error);
  }

  /** Makes an exception after those that it refers to; a reference that closes a cycle is cut. */
  private PythonException error(long index) {
    int at = Math.toIntExact(index);
    if (at < 0 || made[at] != null || begun[at]) {
      return at < 0 ? null : made[at];
    }
    begun[at] = true;
    List<?> parts = (List<?>) described.get(at);
    List<?> flat = (List<?>) parts.get(3);
    List<Frame> frames = new ArrayList<>(flat.size() / 3);
    for (int i = 0; i < flat.size(); i += 3) {
      int line = Math.toIntExact((Long) flat.get(i + 2));
      frames.add(new Frame((String) flat.get(i), (String) flat.get(i + 1), line));
    }
    List<PythonException> group = new ArrayList<>();
    for (Object part : (List<?>) parts.get(8)) {
      PythonException member = error((Long) part);
      if (member != null) {
        group.add(member);
      }
    }
    long number = (Long) parts.get(9);
    made[at] =
        new PythonException(
            (String) parts.get(0),
            (String) parts.get(1),
            (String) parts.get(2),
            frames,
            ((List<?>) parts.get(4)).stream().map(String.class::cast).toList(),
            new PythonException.Chain(
                number < 0 ? null : thrown.apply(number),
                error((Long) parts.get(5)),
                error((Long) parts.get(6)),
                (Boolean) parts.get(7),
                group));
    return made[at];
  }
}
