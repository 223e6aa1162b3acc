package dev.glora.search;

import dev.glora.experiment.RacingSpec;
import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Says whether a candidate that has seen n of N val rows can still be as good as its rival, which
 * has seen all of them.
 *
 * <p>Candidates see the same rows, so the test is paired: it looks at the differences row by row,
 * in which what makes a row hard for both cancels (as in O. Maron, A. W. Moore, <i>Hoeffding
 * Races</i>, NIPS 1994, and A. W. Moore, M. S. Lee, <i>Efficient Algorithms for Minimizing Cross
 * Validation Error</i>, ICML 1994).
 *
 * <p>By accuracy. Let b be the seen rows that the rival alone has right and c those that the
 * candidate alone has right.
 *
 * <ul>
 *   <li>Certain: b − c &gt; u, where u is the number of unseen rows that the rival has wrong. Even
 *       with all of these right the candidate ends below the rival.
 *   <li>Test: the exact one-sided sign test (Q. McNemar, Psychometrika 12, 1947): if the candidate
 *       is as good, each of the b + c rows is for it with probability at least ½, so
 *       <pre>    p = P(X ≤ c),  X ~ Binomial(b + c, ½)</pre>
 * </ul>
 *
 * <p>By loss. With d the mean and s the standard deviation of (candidate − rival) over the seen
 * rows, the mean over all N rows is predicted with variance s²·(1/n − 1/N) (sampling without
 * replacement: W. G. Cochran, <i>Sampling Techniques</i>, 1977, §2.6), so
 *
 * <pre>    p = P(T ≥ d / (s·√(1/n − 1/N))),  T ~ Student with n − 1 degrees of freedom</pre>
 *
 * <p>Correction: with m looks at a candidate, one after each batch from {@code least_rows} on, it
 * is stopped where p ≤ level / m (Bonferroni), so a candidate that is no worse is stopped with
 * probability at most {@code level} over all looks, as far as the rows come in random order.
 */
public final class PairedTest {
  private final RacingSpec settings;
  private final boolean byLoss;

  /**
   * Makes a test.
   *
   * @param settings level and first look
   * @param fitness {@code accuracy} or {@code loss}
   */
  public PairedTest(RacingSpec settings, String fitness) {
    this.settings = settings;
    this.byLoss = fitness.equals("loss");
  }

  /**
   * How often a candidate is looked at.
   *
   * @param seen rows seen after each batch, ascending; the last one ends the evaluation
   * @return number of looks
   */
  public int looks(int[] seen) {
    int looks = 0;
    for (int i = 0; i < seen.length - 1; i++) {
      looks += seen[i] >= settings.leastRows() ? 1 : 0;
    }
    return looks;
  }

  /**
   * Whether to stop.
   *
   * @param candidate what the candidate found so far
   * @param rival what the rival found on all rows
   * @param looks looks at a candidate
   * @return true where it cannot be, or is too unlikely to be, as good as the rival
   */
  public boolean hopeless(RowScores candidate, RowScores rival, int looks) {
    int seen = candidate.seen();
    if (seen < settings.leastRows() || seen == candidate.rows()) {
      return false;
    }
    double p = byLoss ? loss(candidate, rival) : accuracy(candidate, rival);
    return p <= settings.level() / looks;
  }

  /** Zero where it is certain. */
  private static double accuracy(RowScores candidate, RowScores rival) {
    int lost = 0;
    int won = 0;
    int open = 0;
    for (int row = 0; row < rival.rows(); row++) {
      if (!candidate.seen(row)) {
        open += rival.right(row) ? 0 : 1;
      } else if (candidate.right(row) != rival.right(row)) {
        lost += rival.right(row) ? 1 : 0;
        won += rival.right(row) ? 0 : 1;
      }
    }
    if (lost - won > open) {
      return 0;
    }
    return lost + won == 0
        ? 1
        : BinomialDistribution.of(lost + won, 0.5).cumulativeProbability(won);
  }

  private static double loss(RowScores candidate, RowScores rival) {
    int n = candidate.seen();
    double sum = 0;
    for (int row = 0; row < rival.rows(); row++) {
      sum += candidate.seen(row) ? candidate.loss(row) - rival.loss(row) : 0;
    }
    double mean = sum / n;
    double squares = 0;
    for (int row = 0; row < rival.rows(); row++) {
      double deviation = candidate.seen(row) ? candidate.loss(row) - rival.loss(row) - mean : 0;
      squares += deviation * deviation;
    }
    if (Double.isNaN(mean) || mean == Double.POSITIVE_INFINITY) {
      // A candidate that overflows: no row that follows can mend its mean. A rival never does.
      return 0;
    }
    double error = Math.sqrt(squares / (n - 1) * (1.0 / n - 1.0 / rival.rows()));
    if (error == 0) {
      return mean > 0 ? 0 : 1;
    }
    return TDistribution.of(n - 1).survivalProbability(mean / error);
  }
}
