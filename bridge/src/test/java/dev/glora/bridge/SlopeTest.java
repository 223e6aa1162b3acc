package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlopeTest {

  private static final int SAMPLES = 800;

  /** A line with noise that remembers its last value. */
  private static List<Double> samples(double slope, double memory, Random random) {
    List<Double> samples = new ArrayList<>();
    double noise = random.nextGaussian() / Math.sqrt(1 - memory * memory);
    for (int i = 0; i < SAMPLES; i++) {
      samples.add(5000 + slope * i + noise);
      noise = memory * noise + random.nextGaussian();
    }
    return samples;
  }

  @Test
  void lineWithoutNoiseIsFoundExactly() {
    List<Double> samples = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      samples.add(3.0 + 2 * i);
    }
    Slope slope = Slope.of(samples, 4);
    assertThat(slope.perCall()).isCloseTo(0.5, offset(1e-12));
    assertThat(slope.upperBound()).isCloseTo(0.5, offset(1e-9));
  }

  /** A one-sided failure in 2.5 % of all cases is what the bound promises. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.9, 0.97})
  void boundHoldsTheTrueSlopeAsOftenAsItSays(double memory) {
    Random random = new Random(7);
    int held = 0;
    for (int i = 0; i < 1000; i++) {
      held += Slope.of(samples(0.25, memory, random), 1).upperBound() >= 0.25 ? 1 : 0;
    }
    assertThat(held).isBetween(950, 995);
  }
}
