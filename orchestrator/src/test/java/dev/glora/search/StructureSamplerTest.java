package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.glora.GloraException;
import dev.glora.experiment.SamplingSpec;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StructureSamplerTest {
  private final SearchSpace space = Spaces.odd();

  @Test
  void uniformSamplingDrawsEveryCodeEquallyOften() {
    StructureSampler sampler = new StructureSampler(space, new SamplingSpec(0, 0, Map.of()), 1);
    int draws = 6000;
    int[][] seen = new int[space.genes()][6];
    byte[] codes = new byte[space.genes()];
    for (int step = 0; step < draws; step++) {
      sampler.draw(step, codes);
      for (int gene = 0; gene < codes.length; gene++) {
        seen[gene][codes[gene]]++;
      }
    }
    for (int gene = 0; gene < space.genes(); gene++) {
      int k = space.choices(gene);
      for (int i = 0; i < k; i++) {
        // Five standard deviations of the binomial: no seed that works by luck.
        double sd = Math.sqrt(draws * (1.0 / k) * (1 - 1.0 / k));
        assertThat((double) seen[gene][space.choice(gene, i)])
            .isCloseTo(draws / (double) k, within(5 * sd + 1e-9));
      }
    }
  }

  @Test
  void weightsAreMetAndLoraIsSpreadOverTheRanks() {
    Map<Character, Map<String, Double>> weights = Map.of('B', Map.of("none", 1.0, "lora", 3.0));
    StructureSampler sampler = new StructureSampler(space, new SamplingSpec(0, 0, weights), 1);
    int draws = 8000;
    int[] seen = new int[6];
    byte[] codes = new byte[space.genes()];
    for (int step = 0; step < draws; step++) {
      sampler.draw(step, codes);
      seen[codes[SupportTensor.B.index()]]++;
    }
    double sd = Math.sqrt(draws * 0.25 * 0.75);
    assertThat(seen[Form.SCALAR] + seen[Form.VECTOR]).isZero();
    for (int code : new int[] {Form.NONE, Form.LORA, Form.LORA + 1, Form.LORA + 2}) {
      assertThat((double) seen[code]).isCloseTo(draws / 4.0, within(5 * sd));
    }
  }

  @Test
  void firstStepsTrainTheLargestAndLaterOnesWithItsProbability() {
    StructureSampler sampler = new StructureSampler(space, new SamplingSpec(50, 0.3, Map.of()), 1);
    byte[] largest = space.largest().codes();
    byte[] codes = new byte[space.genes()];
    int draws = 4000;
    int later = 0;
    for (int step = 0; step < 50 + draws; step++) {
      sampler.draw(step, codes);
      boolean same = java.util.Arrays.equals(codes, largest);
      assertThat(step >= 50 || same).isTrue();
      later += step >= 50 && same ? 1 : 0;
    }
    assertThat((double) later).isCloseTo(0.3 * draws, within(5 * Math.sqrt(draws * 0.21)));
  }

  @Test
  void aStepsStructureDependsOnItsIndexAlone() {
    StructureSampler one = new StructureSampler(space, new SamplingSpec(0, 0.5, Map.of()), 9);
    byte[] walked = new byte[space.genes()];
    for (int step = 0; step <= 40; step++) {
      one.draw(step, walked);
    }
    byte[] jumped = new byte[space.genes()];
    new StructureSampler(space, new SamplingSpec(0, 0.5, Map.of()), 9).draw(40, jumped);
    assertThat(jumped).isEqualTo(walked);
  }

  @Test
  void weightsThatLeaveNoFormAreRefused() {
    Map<Character, Map<String, Double>> weights = Map.of('B', Map.of("none", 0.0));
    assertThatThrownBy(() -> new StructureSampler(space, new SamplingSpec(0, 0, weights), 1))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("tensor B");
  }
}
