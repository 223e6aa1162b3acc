package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SearchSpaceTest {
  @Test
  void aSiteHasThe432FormsOfThePaper() {
    assertThat(Spaces.all(Spaces.paper())).hasSize(432).doesNotHaveDuplicates();
  }

  @Test
  void everyFormIsCountedAsThePaperCountsIt() {
    SearchSpace space = Spaces.paper();
    int in = 3;
    int out = 5;
    int rank = 2;
    for (Structure structure : Spaces.all(space)) {
      long weight = 0;
      long shift = 0;
      boolean bias = false;
      for (int t = 0; t < 5; t++) {
        int code = structure.code(t);
        if (t < 2) {
          weight += List.of(0, 1, out, rank * (out + in)).get(code);
        } else if (t == 2) {
          shift += List.of(0, -1, in, rank * (in + 1)).get(code);
        } else {
          shift += List.of(0, 1, out).get(code);
        }
        bias |= t >= 2 && code != 0;
      }
      assertThat(space.count(structure, ParameterCount.STORED)).isEqualTo(weight + shift);
      assertThat(space.count(structure, ParameterCount.FOLDED))
          .isEqualTo(weight + (bias ? out : 0));
    }
  }

  @Test
  void matrixProductMakesASquare() {
    SearchSpace space =
        new SearchSpace(List.of(Spaces.site("a", 3, 5)), List.of(2), null, "matmul");
    assertThat(space.cost(0, (byte) 3)).isEqualTo(2 * (3 + 3));
    assertThat(space.cost(0, Form.VECTOR)).isEqualTo(3);
    assertThat(space.cost(1, (byte) 3)).isEqualTo(2 * (3 + 5));
  }

  @Test
  void rangeIsWhatAllStructuresReach() {
    for (SearchSpace space : List.of(Spaces.paper(), Spaces.tiny())) {
      for (ParameterCount count : ParameterCount.values()) {
        var counts = Spaces.all(space).stream().mapToLong(s -> space.count(s, count)).toArray();
        assertThat(space.range(count).min())
            .isEqualTo(java.util.Arrays.stream(counts).min().orElseThrow());
        assertThat(space.range(count).max())
            .isEqualTo(java.util.Arrays.stream(counts).max().orElseThrow());
      }
    }
  }

  @Test
  void deadGenesHaveOneCodeAndNoEffectOnTheDigest() {
    SearchSpace space = Spaces.odd();
    int biasOfC = 2 * SupportTensor.COUNT + SupportTensor.E.index();
    int scaleOfUnbiased = SupportTensor.COUNT + SupportTensor.D.index();
    assertThat(space.choices(biasOfC)).isEqualTo(1);
    assertThat(space.choices(scaleOfUnbiased)).isEqualTo(1);
    byte[] codes = space.largest().codes();
    codes[biasOfC] = Form.VECTOR;
    Structure foreign = new Structure(codes);
    assertThat(foreign.canonical(space)).isEqualTo(space.largest());
    assertThat(foreign.digest(space)).isEqualTo(space.largest().digest(space));
    assertThat(space.contains(foreign)).isFalse();
    assertThat(space.contains(space.largest())).isTrue();
  }

  @Test
  void differentStructuresHaveDifferentDigests() {
    SearchSpace space = Spaces.paper();
    Set<String> digests = new HashSet<>();
    Spaces.all(space).forEach(structure -> digests.add(structure.digest(space)));
    assertThat(digests).hasSize(432);
  }

  @Test
  void structureSurvivesJsonAndBase64() {
    SearchSpace space = Spaces.odd();
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 100; i++) {
      Structure structure = Spaces.random(space, random);
      assertThat(Structure.fromJson(structure.toJson(space), space)).isEqualTo(structure);
      assertThat(Structure.ofBase64(structure.base64())).isEqualTo(structure);
    }
  }

  @Test
  void formsThatATensorLacksAreRefused() {
    for (String forms : List.of("{'C': ['scalar']}", "{'D': ['lora']}", "{'B': ['lora-7']}")) {
      assertThatThrownBy(
              () ->
                  new SearchSpace(
                      List.of(Spaces.site("a", 3, 5)), List.of(2), Spaces.forms(forms), "hadamard"))
          .isInstanceOf(GloraException.class);
    }
  }
}
