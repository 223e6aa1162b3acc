package dev.glora.report;

import java.util.List;
import java.util.Locale;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * How one's own mean stands to a published value.
 *
 * <p>With n ≥ 3 seeds, mean m and sample standard deviation s, the 95 % confidence interval of the
 * mean is m ± t(0.975, n − 1) · s/√n (Student). Where the published value has a deviation and seeds
 * of its own, the interval of the difference is Welch's. The published value is rounded, so half a
 * unit of its last digit is added.
 */
enum Verdict {
  /** The published value lies within the interval. */
  AGREES,
  /** The own mean is greater. */
  ABOVE,
  /** The own mean is smaller. */
  BELOW,
  /** Fewer than three seeds: the interval would hold nearly everything. */
  TOO_FEW_SEEDS;

  private static final int LEAST = 3;
  private static final double LEVEL = 0.975;

  /**
   * Compares.
   *
   * @param own values of the own runs, in the unit of the published one
   * @param published what was published
   */
  static Verdict of(List<Double> own, PublishedValue published) {
    if (own.size() < LEAST) {
      return TOO_FEW_SEEDS;
    }
    double variance = square(Numbers.deviation(own)) / own.size();
    double freedom = own.size() - 1.0;
    if (published.deviation().isPresent() && published.seeds() > 1) {
      double other = square(published.deviation().getAsDouble()) / published.seeds();
      double both = variance + other;
      if (both > 0) {
        // Welch and Satterthwaite
        freedom =
            square(both)
                / (square(variance) / (own.size() - 1) + square(other) / (published.seeds() - 1));
      }
      variance = both;
    }
    double half =
        TDistribution.of(freedom).inverseCumulativeProbability(LEVEL) * Math.sqrt(variance)
            + published.resolution();
    double difference = Numbers.mean(own) - published.value();
    // The sum of decimal fractions is off in its last bits.
    if (Math.abs(difference) <= half + 1e-9) {
      return AGREES;
    }
    return difference > 0 ? ABOVE : BELOW;
  }

  /** As tables and documents write it. */
  String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static double square(double value) {
    return value * value;
  }
}
