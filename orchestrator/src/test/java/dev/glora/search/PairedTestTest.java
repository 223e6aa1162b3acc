package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.glora.experiment.RacingSpec;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PairedTestTest {
  private static final int ROWS = 200;
  private static final int BATCH = 20;
  private static final RacingSpec SPEC = new RacingSpec("paired", 0.05, 20);

  private static PairedTest test(String fitness) {
    return new PairedTest(SPEC, fitness);
  }

  /** The first rows of scores that are right where the text has a 1. */
  private static RowScores scores(int rows, String right) {
    RowScores scores = new RowScores(rows);
    for (int row = 0; row < right.length(); row++) {
      scores.set(row, right.charAt(row) == '1', 0.5);
    }
    return scores;
  }

  private static PairedTest strict(double level) {
    return new PairedTest(new RacingSpec("paired", level, 2), "accuracy");
  }

  @Test
  void theSignTestIsTheBinomialTail() {
    // Seven rows for the rival alone, one for the candidate alone: P(X ≤ 1), X ~ B(8, ½) = 9 / 256.
    RowScores rival = scores(40, "1111111" + "0" + "1111" + "0".repeat(28));
    RowScores candidate = scores(40, "0000000" + "1" + "1111");
    assertThat(strict(9.0 / 256 + 1e-9).hopeless(candidate, rival, 1)).isTrue();
    assertThat(strict(9.0 / 256 - 1e-9).hopeless(candidate, rival, 1)).isFalse();
    // Bonferroni: three looks divide the level.
    assertThat(strict(3 * 9.0 / 256 + 1e-9).hopeless(candidate, rival, 3)).isTrue();
    assertThat(strict(3 * 9.0 / 256 - 1e-9).hopeless(candidate, rival, 3)).isFalse();
  }

  @Test
  void whatCannotBeMadeUpForIsCertainAtAnyLevel() {
    // Behind by three, and the rival has three of the unseen rows wrong: a tie is possible.
    RowScores rival = scores(12, "1110" + "1" + "11" + "000" + "11");
    assertThat(strict(0).hopeless(scores(12, "0000" + "1"), rival, 1)).isFalse();
    // Two of them only: it is not.
    RowScores better = scores(12, "1110" + "1" + "111" + "00" + "11");
    assertThat(strict(0).hopeless(scores(12, "0000" + "1"), better, 1)).isTrue();
  }

  @Test
  void equalsAreNotStopped() {
    RowScores rival = scores(40, "1".repeat(30) + "0".repeat(10));
    assertThat(strict(0.5).hopeless(scores(40, "1".repeat(20)), rival, 1)).isFalse();
  }

  @Test
  void nothingIsStoppedBeforeTheFirstLookOrAfterTheLastRow() {
    RowScores rival = scores(40, "1".repeat(40));
    assertThat(test("accuracy").hopeless(scores(40, "0".repeat(19)), rival, 1)).isFalse();
    assertThat(test("accuracy").hopeless(scores(40, "0".repeat(20)), rival, 1)).isTrue();
    assertThat(test("accuracy").hopeless(scores(40, "0".repeat(40)), rival, 1)).isFalse();
    assertThat(test("accuracy").looks(new int[] {10, 19, 20, 30, 40})).isEqualTo(2);
    assertThat(test("accuracy").looks(new int[] {40})).isZero();
  }

  @Test
  void theLossTestIsStudentsWithTheFinitePopulationsVariance() {
    RowScores rival = new RowScores(20);
    RowScores candidate = new RowScores(20);
    double[] differences = {0.5, 0.25, -0.25, 0.75, 0.5, 0.25, 0.5, 0.0, 0.25, 0.5};
    for (int row = 0; row < 20; row++) {
      rival.set(row, true, 1);
      if (row < differences.length) {
        candidate.set(row, true, 1 + differences[row]);
      }
    }
    // mean .325, s² = .0840278, error = √(.0840278·(1/10 − 1/20)) = .0648181, t = 5.0140 with 9
    // degrees of freedom, p = 3.6e-4.
    PairedTest above = new PairedTest(new RacingSpec("paired", 3.8e-4, 2), "loss");
    PairedTest below = new PairedTest(new RacingSpec("paired", 3.4e-4, 2), "loss");
    assertThat(above.hopeless(candidate, rival, 1)).isTrue();
    assertThat(below.hopeless(candidate, rival, 1)).isFalse();
  }

  @Test
  void aLossThatIsNoNumberIsHopelessAndEqualLossesAreNot() {
    RowScores rival = scores(40, "1".repeat(40));
    RowScores broken = scores(40, "1".repeat(20));
    assertThat(test("loss").hopeless(broken, rival, 1)).isFalse();
    broken.set(3, false, Double.NaN);
    assertThat(test("loss").hopeless(broken, rival, 1)).isTrue();
    broken.set(3, false, Double.POSITIVE_INFINITY);
    assertThat(test("loss").hopeless(broken, rival, 1)).isTrue();
  }

  /**
   * A candidate that would end no worse than its rival is stopped in at most {@code level} of all
   * evaluations.
   */
  @ParameterizedTest
  @ValueSource(strings = {"accuracy", "loss"})
  void asGoodAsTheRivalIsStoppedNoMoreOftenThanTheLevel(String fitness) {
    double stopped = stopped(fitness, 0, 4000, true);
    assertThat(stopped).isLessThanOrEqualTo(0.05 + 3 * Math.sqrt(0.05 * 0.95 / 2000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"accuracy", "loss"})
  void muchWorseThanTheRivalIsNearlyAlwaysStopped(String fitness) {
    assertThat(stopped(fitness, 0.3, 500, false)).isGreaterThan(0.95);
  }

  /**
   * Share of evaluations that were stopped, with rows whose difficulty both feel; of all, or of
   * those at whose end the candidate would be no worse.
   */
  private static double stopped(String fitness, double worse, int trials, boolean noWorse) {
    PairedTest test = test(fitness);
    int[] seen = new int[ROWS / BATCH];
    for (int i = 0; i < seen.length; i++) {
      seen[i] = (i + 1) * BATCH;
    }
    int looks = test.looks(seen);
    int stopped = 0;
    int counted = 0;
    for (int trial = 0; trial < trials; trial++) {
      SplittableRandom random = new SplittableRandom(trial);
      RowScores rival = new RowScores(ROWS);
      RowScores full = new RowScores(ROWS);
      for (int row = 0; row < ROWS; row++) {
        double hard = random.nextDouble();
        enter(rival, row, hard, 0, random);
        enter(full, row, hard, worse, random);
      }
      boolean good =
          fitness.equals("loss")
              ? full.loss() <= rival.loss()
              : full.accuracy() >= rival.accuracy();
      if (noWorse && !good) {
        continue;
      }
      counted++;
      RowScores candidate = new RowScores(ROWS);
      boolean stop = false;
      for (int row = 0; row < ROWS && !stop; row++) {
        candidate.set(row, full.right(row), full.loss(row));
        stop = (row + 1) % BATCH == 0 && test.hopeless(candidate, rival, looks);
      }
      stopped += stop ? 1 : 0;
    }
    return (double) stopped / counted;
  }

  private static void enter(
      RowScores scores, int row, double hard, double worse, SplittableRandom random) {
    double logit = 2 - 3 * hard - 4 * worse + (random.nextDouble() - 0.5) * 3;
    scores.set(row, logit > 0, Math.log1p(Math.exp(-logit)));
  }

  @Test
  void scoresSurviveAsBytes() {
    RowScores scores = new RowScores(3);
    scores.set(0, true, 0.25);
    scores.set(2, false, 3.5);
    RowScores read = RowScores.ofBytes(scores.toBytes());
    assertThat(read.toBytes()).isEqualTo(scores.toBytes());
    assertThat(read.rows()).isEqualTo(3);
    assertThat(read.seen()).isEqualTo(2);
    assertThat(read.seen(1)).isFalse();
    assertThat(read.accuracy()).isEqualTo(0.5);
    assertThat(read.loss()).isCloseTo(1.875, within(1e-12));
  }
}
