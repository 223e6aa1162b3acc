package dev.glora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.glora.experiment.TrainingSpec;
import org.junit.jupiter.api.Test;

class LearningRateTest {
  private static TrainingSpec spec(int steps, int warmup, double last) {
    return new TrainingSpec(steps, 8, 8, 1e-3, warmup, last, 0, 0, 0, 10, 1, false);
  }

  @Test
  void risesLinearlyThenFallsByACosine() {
    TrainingSpec spec = spec(110, 10, 1e-5);
    for (int i = 0; i < 10; i++) {
      assertThat(LearningRate.at(i, spec)).isCloseTo(1e-3 * (i + 1) / 11, within(1e-15));
    }
    assertThat(LearningRate.at(10, spec)).isEqualTo(1e-3);
    assertThat(LearningRate.at(60, spec)).isCloseTo((1e-3 + 1e-5) / 2, within(1e-15));
    for (int i = 11; i < 110; i++) {
      assertThat(LearningRate.at(i, spec)).isLessThan(LearningRate.at(i - 1, spec));
    }
    assertThat(LearningRate.at(109, spec)).isGreaterThan(1e-5).isLessThan(2e-5);
  }

  @Test
  void noStepHasARateOfZero() {
    for (int warmup = 0; warmup < 6; warmup++) {
      for (int steps = 1; steps < 8; steps++) {
        for (int i = 0; i < steps; i++) {
          assertThat(LearningRate.at(i, spec(steps, warmup, 0))).isPositive();
        }
      }
    }
  }
}
