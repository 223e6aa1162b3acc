package dev.glora.train;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Statistics of pairs; each is not a number where it is not defined. */
final class Statistics {
  private Statistics() {}

  /**
   * Area under the receiver operating characteristic: the probability that a positive row has a
   * higher score than a negative one, equal scores counting one half.
   *
   * <pre>    (Σ ranks of the positives − p·(p + 1)/2) / (p·n)</pre>
   *
   * (J. A. Hanley, B. J. McNeil, Radiology 143, 1982).
   *
   * @param scores one for each row
   * @param positive whether a row is positive
   * @return 0 to 1; not a number where there is no positive or no negative row
   */
  static double auroc(double[] scores, boolean[] positive) {
    double[] ranks = ranks(scores);
    double sum = 0;
    long positives = 0;
    for (int row = 0; row < scores.length; row++) {
      if (positive[row]) {
        sum += ranks[row];
        positives++;
      }
    }
    long negatives = scores.length - positives;
    if (positives == 0 || negatives == 0) {
      return Double.NaN;
    }
    return (sum - positives * (positives + 1) / 2.0) / ((double) positives * negatives);
  }

  /**
   * Pearson's correlation.
   *
   * @param x numbers
   * @param y as many
   * @return −1 to 1; not a number where either side is constant
   */
  static double pearson(double[] x, double[] y) {
    double meanX = Arrays.stream(x).average().orElse(Double.NaN);
    double meanY = Arrays.stream(y).average().orElse(Double.NaN);
    double xx = 0;
    double yy = 0;
    double xy = 0;
    for (int i = 0; i < x.length; i++) {
      double a = x[i] - meanX;
      double b = y[i] - meanY;
      xx += a * a;
      yy += b * b;
      xy += a * b;
    }
    return constant(x) || constant(y)
        ? Double.NaN
        : Math.max(-1, Math.min(1, xy / (Math.sqrt(xx) * Math.sqrt(yy))));
  }

  /**
   * Spearman's rank correlation: Pearson's of the ranks, equal numbers sharing their mean rank.
   *
   * @param x numbers
   * @param y as many
   * @return −1 to 1; not a number where either side is constant
   */
  static double spearman(double[] x, double[] y) {
    return pearson(ranks(x), ranks(y));
  }

  /**
   * Matthews' correlation for any number of classes (J. Gorodkin, Computational Biology and
   * Chemistry 28, 2004).
   *
   * <pre>    (c·s − Σ p_k·t_k) / √((s² − Σ p_k²)·(s² − Σ t_k²))</pre>
   *
   * @param right rows whose prediction is their label, c
   * @param predicted rows predicted as each class, p
   * @param labelled rows of each class, t; their sum is s
   * @return −1 to 1; not a number where all labels or all predictions are one class
   */
  static double matthews(long right, int[] predicted, int[] labelled) {
    double rows = Arrays.stream(labelled).sum();
    double both = 0;
    double squaredPredicted = 0;
    double squaredLabelled = 0;
    for (int c = 0; c < labelled.length; c++) {
      both += (double) predicted[c] * labelled[c];
      squaredPredicted += (double) predicted[c] * predicted[c];
      squaredLabelled += (double) labelled[c] * labelled[c];
    }
    double scale = (rows * rows - squaredPredicted) * (rows * rows - squaredLabelled);
    return scale == 0 ? Double.NaN : (right * rows - both) / Math.sqrt(scale);
  }

  static boolean constant(double[] values) {
    return Arrays.stream(values).allMatch(value -> value == values[0]);
  }

  /** Ranks from 1, equal values sharing their mean. */
  private static double[] ranks(double[] values) {
    int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] ranks = new double[values.length];
    for (int from = 0; from < order.length; ) {
      int to = from;
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      // A value that is not equal to itself would not move on.
      to = Math.max(to, from + 1);
      for (int i = from; i < to; i++) {
        ranks[order[i]] = (from + 1 + to) / 2.0;
      }
      from = to;
    }
    return ranks;
  }
}
