package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;

/** Numbers as tables show them; what is not known is a dash. */
final class Numbers {
  static final String NONE = "–";

  private Numbers() {}

  /** Shares in per cent with one decimal: mean, and ± standard deviation over several runs. */
  static String percent(List<Double> shares) {
    return meanAndDeviation(shares.stream().map(share -> 100 * share).toList(), 1);
  }

  /** Mean ± sample standard deviation (n − 1); one value stands alone. */
  static String meanAndDeviation(List<Double> values, int decimals) {
    if (values.isEmpty()) {
      return NONE;
    }
    String shown = String.format(Locale.ROOT, "%." + decimals + "f", mean(values));
    return values.size() == 1
        ? shown
        : shown + " ± " + String.format(Locale.ROOT, "%." + decimals + "f", deviation(values));
  }

  /** Counts: one number where all runs agree, else the least and the greatest. */
  static String counts(List<Double> values) {
    if (values.isEmpty()) {
      return NONE;
    }
    long least = Math.round(values.stream().mapToDouble(v -> v).min().orElseThrow());
    long most = Math.round(values.stream().mapToDouble(v -> v).max().orElseThrow());
    return least == most ? count(least) : count(least) + "…" + count(most);
  }

  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  static String whole(List<Double> values) {
    return values.isEmpty() ? NONE : count(Math.round(mean(values)));
  }

  static String percent(JsonNode share) {
    return share.isNumber()
        ? String.format(Locale.ROOT, "%.1f %%", 100 * share.doubleValue())
        : NONE;
  }

  static String fixed(JsonNode value, int decimals) {
    return value.isNumber()
        ? String.format(Locale.ROOT, "%." + decimals + "f", value.doubleValue())
        : NONE;
  }

  static String count(JsonNode value) {
    return value.isNumber() ? count(Math.round(value.doubleValue())) : NONE;
  }

  static String tiny(JsonNode value) {
    return value.isNumber() ? String.format(Locale.ROOT, "%.2e", value.doubleValue()) : NONE;
  }

  /** Sample standard deviation (n − 1) of at least two values. */
  static double deviation(List<Double> values) {
    double mean = mean(values);
    double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
    return Math.sqrt(squares / (values.size() - 1));
  }

  static double mean(List<Double> values) {
    return values.stream().mapToDouble(v -> v).average().orElse(Double.NaN);
  }
}
