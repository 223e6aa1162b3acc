package dev.glora.plan;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * How long a run may take.
 *
 * @param seconds without download and preparation; empty where nothing comparable was measured
 * @param basis what it was drawn from
 */
public record Estimate(OptionalDouble seconds, String basis) {
  /** Nothing is left to do. */
  static final Estimate NONE = new Estimate(OptionalDouble.of(0), "");

  /** Nothing comparable was measured. */
  static final Estimate UNKNOWN =
      new Estimate(OptionalDouble.empty(), "no run like it is finished in this store");

  /**
   * Words it.
   *
   * @return such as {@code about 3 min}, or {@code unknown}
   */
  public String words() {
    return seconds.isEmpty() ? "unknown" : words(seconds.getAsDouble());
  }

  /**
   * Words a time.
   *
   * @param seconds a time
   * @return such as {@code about 3 min}
   */
  public static String words(double seconds) {
    return seconds < 90
        ? String.format(Locale.ROOT, "about %.0f s", Math.ceil(seconds))
        : seconds < 5400
            ? String.format(Locale.ROOT, "about %.0f min", seconds / 60)
            : String.format(Locale.ROOT, "about %.1f h", seconds / 3600);
  }

  /** The same with some of the work done. */
  Estimate less(double spent) {
    return seconds.isEmpty()
        ? this
        : new Estimate(OptionalDouble.of(Math.max(0, seconds.getAsDouble() - spent)), basis);
  }
}
