package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LimitsTest {
  @Test
  void impossibleLimitsAreRefusedWithTheReachableRange() {
    SearchSpace space = Spaces.tiny();
    long most = space.range(ParameterCount.FOLDED).max();
    assertThatThrownBy(() -> new Limits(space, ParameterCount.FOLDED, most + 1, null))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("from 0 to " + most)
        .satisfies(e -> assertThat(((GloraException) e).code()).isEqualTo(ExitCode.USAGE));
    assertThatThrownBy(() -> new Limits(space, ParameterCount.FOLDED, 10L, 9L))
        .isInstanceOf(GloraException.class);
  }

  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void everyDrawIsWithinItsLimits(ParameterCount count) {
    SearchSpace space = Spaces.odd();
    SearchSpace.Range range = space.range(count);
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 500; i++) {
      long a = random.nextLong(range.min(), range.max() + 1);
      long b = random.nextLong(range.min(), range.max() + 1);
      // A window of some width: the reachable numbers have gaps.
      Limits limits =
          new Limits(space, count, Math.max(0, Math.min(a, b) - 20), Math.max(a, b) + 20);
      Structure structure = limits.draw(random);
      assertThat(limits.allow(structure)).isTrue();
      assertThat(space.contains(structure)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void anyMaximumThatCanBeReachedIsMet(ParameterCount count) {
    SearchSpace space = Spaces.odd();
    SearchSpace.Range range = space.range(count);
    for (long max = range.min(); max <= range.max(); max++) {
      Limits limits = new Limits(space, count, null, max);
      assertThat(limits.allow(limits.draw(new SplittableRandom(max)))).isTrue();
    }
  }

  @Test
  void limitsInAGapEndWithASentence() {
    SearchSpace space =
        new SearchSpace(
            java.util.List.of(Spaces.site("a", 10, 10)),
            java.util.List.of(1),
            Spaces.forms(
                "{'A': ['none'], 'B': ['none', 'lora'], 'C': ['none'], 'D': ['none'], 'E':"
                    + " ['none']}"),
            "hadamard");
    Limits limits = new Limits(space, ParameterCount.STORED, 5L, 15L);
    assertThatThrownBy(() -> limits.draw(new SplittableRandom(0)))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("too close");
  }

  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void growthFillsTheRoomUntilNothingFits(ParameterCount count) {
    SearchSpace space = Spaces.odd();
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 200; i++) {
      long max = 20 + random.nextLong(space.range(count).max());
      Limits limits = new Limits(space, count, null, max);
      byte[] codes = limits.draw(random).codes();
      limits.grow(codes, random, max);
      long room = max - space.count(codes, count);
      assertThat(room).isNotNegative();
      for (int gene = 0; gene < codes.length; gene++) {
        assertThat(space.alternatives(codes, gene, count, 1, room)).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void aSwapChangesTwoGenesAndStaysWithin(ParameterCount count) {
    SearchSpace space = Spaces.odd();
    SplittableRandom random = new SplittableRandom(6);
    Limits limits = new Limits(space, count, 30L, 60L);
    int changed = 0;
    for (int i = 0; i < 500; i++) {
      byte[] before = limits.draw(random).codes();
      byte[] after = before.clone();
      limits.swap(after, random);
      int differences = 0;
      for (int gene = 0; gene < after.length; gene++) {
        differences += before[gene] == after[gene] ? 0 : 1;
      }
      assertThat(differences).isIn(0, 1, 2);
      assertThat(limits.allow(after)).isTrue();
      changed += differences;
    }
    assertThat(changed).isGreaterThan(500);
  }
}
