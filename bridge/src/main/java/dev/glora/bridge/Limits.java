package dev.glora.bridge;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What Python code may use up; each limit needs a {@link Capability} of the backend.
 *
 * @param time how long each call or task may run unless it is given a limit of its own; needs
 *     {@link Capability#INTERRUPT}
 * @param statements how many statements each call or task may run; needs {@link
 *     Capability#STATEMENT_LIMIT}
 * @param heapMiB the memory in MiB that the Java heap of Python's process may grow to; needs {@link
 *     Capability#HEAP_LIMIT}
 */
public record Limits(Optional<Duration> time, OptionalLong statements, OptionalLong heapMiB) {

  /** No limits. */
  public static final Limits NONE =
      new Limits(Optional.empty(), OptionalLong.empty(), OptionalLong.empty());

  /** Checks the parts. */
  public Limits {
    if (time.isPresent() && (time.get().isNegative() || time.get().isZero())) {
      throw new IllegalArgumentException(
          "The time limit is " + time.get() + ": it must be longer than nothing.");
    }
    if (statements.isPresent() && statements.getAsLong() < 1) {
      throw new IllegalArgumentException(
          "The statement limit is " + statements.getAsLong() + ": it must be at least 1.");
    }
    if (heapMiB.isPresent() && heapMiB.getAsLong() < 1) {
      throw new IllegalArgumentException(
          "The heap limit is " + heapMiB.getAsLong() + " MiB: it must be at least 1.");
    }
  }

  /**
   * Returns these limits with another time limit.
   *
   * @param limit for each call or task
   */
  public Limits withTime(Duration limit) {
    return new Limits(Optional.of(limit), statements, heapMiB);
  }

  /**
   * Returns these limits with another statement limit.
   *
   * @param limit for each call or task
   */
  public Limits withStatements(long limit) {
    return new Limits(time, OptionalLong.of(limit), heapMiB);
  }

  /**
   * Returns these limits with another heap limit.
   *
   * @param mib in MiB
   */
  public Limits withHeapMiB(long mib) {
    return new Limits(time, statements, OptionalLong.of(mib));
  }
}
