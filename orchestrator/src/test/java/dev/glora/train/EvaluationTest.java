package dev.glora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.glora.data.PreparedSet;
import dev.glora.data.Split;
import dev.glora.data.TestSets;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
  @TempDir Path temp;
  Split split;

  /** Labels 0, 1, 0, 1. */
  @BeforeEach
  void open() throws IOException {
    split = PreparedSet.open(TestSets.write(temp, 4, 1, 1)).train();
  }

  @Test
  void metricsFollowTheirFormulas() {
    Evaluation evaluation = new Evaluation(split, new float[] {2, 0, 0, 1, 0, 3, 5, 5});
    assertThat(evaluation.accuracy()).isEqualTo(0.5);
    double loss =
        (Math.log1p(Math.exp(-2))
                + Math.log1p(Math.exp(-1))
                + Math.log1p(Math.exp(3))
                + Math.log(2))
            / 4;
    assertThat(evaluation.loss()).isCloseTo(loss, within(1e-15));
    // Class 0: one right, one predicted wrongly, one missed. Class 1 the same.
    assertThat(macroF1(evaluation)).isCloseTo(0.5, within(1e-15));
  }

  private static double macroF1(Evaluation evaluation) {
    return evaluation.toJson().path("macro_f1").doubleValue();
  }

  @Test
  void largeLogitsDoNotOverflow() {
    Evaluation evaluation =
        new Evaluation(split, new float[] {1e30f, 0, 0, 1e30f, 1e30f, 0, 0, 1e30f});
    assertThat(evaluation.loss()).isZero();
    assertThat(macroF1(evaluation)).isEqualTo(1);
  }

  @Test
  void oneClassPredictedForAllShowsInTheMacroAverage() {
    Evaluation evaluation = new Evaluation(split, new float[] {1, 0, 1, 0, 1, 0, 1, 0});
    assertThat(evaluation.accuracy()).isEqualTo(0.5);
    assertThat(macroF1(evaluation)).isCloseTo(2.0 / 3 / 2, within(1e-15));
  }

  @Test
  void differenceOfWhatIsNoNumberIsNoNumber() {
    Evaluation good = new Evaluation(split, new float[] {1, 0, 1, 0, 1, 0, 1, 0});
    Evaluation bad = new Evaluation(split, new float[] {Float.NaN, 0, 1, 0, 1, 0, 1, 0});
    assertThat(good.maxDifference(bad)).isNaN();
    assertThat(good.maxDifference(good)).isZero();
    assertThat(good.identicalPredictions(good)).isEqualTo(4);
  }
}
