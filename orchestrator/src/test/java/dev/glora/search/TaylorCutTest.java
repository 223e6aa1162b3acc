package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TaylorCutTest {
  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void cutMeetsEveryLimitAndLeavesNoRoomForAScoredSlice(ParameterCount count) {
    SearchSpace space = Spaces.odd();
    SplittableRandom random = new SplittableRandom(8);
    for (int i = 0; i < 200; i++) {
      double[] scores = scores(space, random, 8);
      long max = random.nextLong(space.range(count).max() + 10);
      Limits limits = new Limits(space, count, null, max);
      Structure cut = new TaylorCut(space, scores, 8).cut(limits);
      assertThat(space.count(cut, count)).isLessThanOrEqualTo(max);
      assertThat(space.contains(cut)).isTrue();
    }
  }

  @Test
  void withoutALimitNothingIsCut() {
    SearchSpace space = Spaces.tiny();
    double[] scores = scores(space, new SplittableRandom(1), 4);
    for (ParameterCount count : ParameterCount.values()) {
      Limits limits = new Limits(space, count, null, null);
      assertThat(new TaylorCut(space, scores, 4).cut(limits)).isEqualTo(space.largest());
    }
  }

  /** Where all slices cost the same, greedy is best: compared with every structure of the space. */
  @Test
  void equalCostsGiveTheBestStructure() {
    SearchSpace space =
        new SearchSpace(
            List.of(Spaces.site("a", 2, 2), Spaces.site("b", 2, 2), Spaces.site("c", 2, 2)),
            List.of(1),
            Spaces.forms(
                "{'A': ['none', 'lora'], 'B': ['none', 'lora'], 'C': ['none'], 'D': ['none'], 'E':"
                    + " ['none']}"),
            "hadamard");
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 50; i++) {
      double[] scores = scores(space, random, 1);
      Limits limits = new Limits(space, ParameterCount.FOLDED, null, 12L);
      double best =
          Spaces.all(space).stream()
              .filter(limits::allow)
              .mapToDouble(s -> kept(s, scores))
              .max()
              .orElseThrow();
      assertThat(kept(new TaylorCut(space, scores, 1).cut(limits), scores)).isEqualTo(best);
    }
  }

  @Test
  void aStrongColumnBehindAWeakOneIsFound() {
    SearchSpace space = Spaces.tiny();
    double[] scores = new double[space.genes() * 4];
    scores[1 * 4] = 0.1;
    scores[1 * 4 + 1] = 50;
    scores[6 * 4] = 1;
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 16L);
    Structure cut = new TaylorCut(space, scores, 4).cut(limits);
    assertThat(Form.name(cut.code(1), space.ranks())).isEqualTo("lora-2");
    assertThat(cut.code(6)).isEqualTo(Form.NONE);
  }

  @Test
  void foldedBiasIsPaidOnceForAllOfItsTensors() {
    SearchSpace space = Spaces.tiny();
    double[] scores = new double[space.genes() * 4];
    scores[2 * 4] = 1;
    scores[4 * 4] = 1;
    Structure cut =
        new TaylorCut(space, scores, 4).cut(new Limits(space, ParameterCount.FOLDED, null, 5L));
    assertThat(cut.codes()).containsExactly(0, 0, 2, 0, 2, 0, 0, 0, 0, 0);
  }

  @Test
  void equalScoresGoToTheFirst() {
    SearchSpace space = Spaces.paper();
    double[] scores = new double[space.genes() * 2];
    java.util.Arrays.fill(scores, 1);
    Limits limits = new Limits(space, ParameterCount.STORED, null, 16L);
    Structure first = new TaylorCut(space, scores, 2).cut(limits);
    assertThat(new TaylorCut(space, scores, 2).cut(limits)).isEqualTo(first);
  }

  private static double kept(Structure structure, double[] scores) {
    double sum = 0;
    for (int gene = 0; gene < scores.length; gene++) {
      sum += structure.code(gene) == Form.NONE ? 0 : scores[gene];
    }
    return sum;
  }

  private static double[] scores(SearchSpace space, SplittableRandom random, int columns) {
    double[] scores = new double[space.genes() * columns];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = random.nextInt(1, 1000);
    }
    return scores;
  }
}
