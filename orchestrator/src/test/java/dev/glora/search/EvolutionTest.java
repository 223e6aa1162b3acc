package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EvolutionTest {
  /** A smooth made-up objective; the loss is what accuracy lacks, so both agree. */
  private static Result score(Structure structure) {
    double sum = 0;
    byte[] codes = structure.codes();
    for (int gene = 0; gene < codes.length; gene++) {
      sum += codes[gene] * (1 + (gene * 7) % 5);
    }
    return new Result(structure, sum / 1000, 1 - sum / 1000);
  }

  private static List<List<Proposal>> run(Evolution evolution, Function<Structure, Result> score) {
    List<List<Proposal>> generations = new ArrayList<>();
    for (List<Proposal> asked = evolution.ask(); !asked.isEmpty(); asked = evolution.ask()) {
      generations.add(asked);
      evolution.tell(asked.stream().map(p -> score.apply(p.structure())).toList());
    }
    return generations;
  }

  private static Evolution evolution(SearchSpace space, Limits limits, SearchSpec spec, long seed) {
    return new Evolution(space, limits, spec, seed, Optional.empty());
  }

  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void findsTheBestOfASmallSpace(ParameterCount count) {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, count, null, 30L);
    double best =
        Spaces.all(space).stream()
            .filter(limits::allow)
            .mapToDouble(s -> score(s).accuracy())
            .max()
            .orElseThrow();
    Evolution evolution = evolution(space, limits, Spaces.settings("accuracy", 20, 30), 1);
    run(evolution, EvolutionTest::score);
    assertThat(evolution.best().orElseThrow().accuracy()).isEqualTo(best);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 3})
  void nothingIsAskedTwiceAndEverythingIsWithinTheLimits(long seed) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.FOLDED, 20L, 70L);
    Evolution evolution = evolution(space, limits, Spaces.settings("loss", 20, 8), seed);
    Set<Structure> seen = new HashSet<>();
    List<List<Proposal>> generations = run(evolution, EvolutionTest::score);
    assertThat(generations).hasSize(9).allMatch(g -> g.size() == 20);
    for (List<Proposal> generation : generations) {
      for (Proposal proposal : generation) {
        assertThat(seen.add(proposal.structure().canonical(space))).isTrue();
        assertThat(limits.allow(proposal.structure())).isTrue();
        assertThat(space.contains(proposal.structure())).isTrue();
      }
    }
  }

  @Test
  void exhaustedSpaceEndsTheSearch() {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 4L);
    Set<Structure> all = new HashSet<>();
    Spaces.all(space).stream().filter(limits::allow).forEach(all::add);
    Evolution evolution = evolution(space, limits, Spaces.settings("accuracy", 10, 1000), 1);
    Set<Structure> asked = new HashSet<>();
    run(evolution, EvolutionTest::score).forEach(g -> g.forEach(p -> asked.add(p.structure())));
    assertThat(asked).isEqualTo(all);
  }

  @Test
  void equalSeedsGiveEqualSearchesAndOthersDiffer() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, 90L);
    SearchSpec spec = Spaces.settings("accuracy", 16, 5);
    var first = run(evolution(space, limits, spec, 5), EvolutionTest::score);
    assertThat(run(evolution(space, limits, spec, 5), EvolutionTest::score)).isEqualTo(first);
    assertThat(run(evolution(space, limits, spec, 6), EvolutionTest::score)).isNotEqualTo(first);
  }

  @Test
  void tellingStoredResultsAgainResumesExactly() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, 90L);
    SearchSpec spec = Spaces.settings("accuracy", 16, 6);
    var whole = run(evolution(space, limits, spec, 5), EvolutionTest::score);
    for (int stop = 0; stop <= 6; stop++) {
      Evolution resumed = evolution(space, limits, spec, 5);
      for (int g = 0; g < stop; g++) {
        assertThat(resumed.ask()).isEqualTo(whole.get(g));
        resumed.tell(resumed.ask().stream().map(p -> score(p.structure())).toList());
      }
      assertThat(run(resumed, EvolutionTest::score)).isEqualTo(whole.subList(stop, 7));
    }
  }

  @Test
  void lastGenerationCounts() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    Evolution evolution = evolution(space, limits, Spaces.settings("accuracy", 10, 3), 2);
    int[] generation = {0};
    Structure expected = null;
    for (List<Proposal> asked = evolution.ask(); !asked.isEmpty(); asked = evolution.ask()) {
      expected = asked.get(asked.size() - 1).structure();
      Structure last = expected;
      double high = ++generation[0];
      evolution.tell(
          asked.stream()
              .map(p -> new Result(p.structure(), p.structure().equals(last) ? high : 0, 1))
              .toList());
    }
    assertThat(evolution.best().orElseThrow().structure()).isEqualTo(expected);
  }

  @Test
  void tiesGoToLossThenParametersThenTheFirst() {
    SearchSpace space = Spaces.tiny();
    var order = Evolution.order(space, ParameterCount.FOLDED, "accuracy");
    Structure small = new Structure(new byte[10]);
    Structure large = space.largest();
    assertThat(order.compare(new Result(large, .8, .4), new Result(small, .7, .1))).isNegative();
    assertThat(order.compare(new Result(large, .8, .4), new Result(small, .8, .5))).isNegative();
    assertThat(order.compare(new Result(large, .8, .4), new Result(small, .8, .4))).isPositive();
    assertThat(order.compare(new Result(small, .8, .4), new Result(small, .8, .4))).isZero();
    var byLoss = Evolution.order(space, ParameterCount.FOLDED, "loss");
    assertThat(byLoss.compare(new Result(large, .8, .4), new Result(small, .9, .5))).isNegative();
    assertThat(byLoss.compare(new Result(small, .9, Double.NaN), new Result(large, .1, 9)))
        .isPositive();
  }

  /** Of n genes with k codes, n·m·(1 − 1/k) change in a mutant. */
  @Test
  void mutantsChangeAsManyGenesAsTheirFormulaSays() {
    SearchSpace space = Spaces.paper();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    SearchSpec one = new SearchSpec("evolution", "random", 0, 1, 1, 1, 1, 400, 0, 0.2, "accuracy");
    double changed = 0;
    double mutants = 0;
    double expected = 0;
    for (int gene = 0; gene < space.genes(); gene++) {
      expected += 0.2 * (1 - 1.0 / space.choices(gene));
    }
    // Unchanged mutants are never asked, and repeats are rare only in few draws: one per search.
    for (int seed = 0; seed < 1500; seed++) {
      Evolution evolution = evolution(space, limits, with(one, 1), seed);
      Structure parent = evolution.ask().get(0).structure();
      evolution.tell(List.of(score(parent)));
      for (Proposal p : evolution.ask()) {
        if (p.origin().equals("mutation")) {
          mutants++;
          for (int gene = 0; gene < space.genes(); gene++) {
            changed += p.structure().code(gene) == parent.code(gene) ? 0 : 1;
          }
        }
      }
    }
    double same = 1;
    for (int gene = 0; gene < space.genes(); gene++) {
      same *= 1 - 0.2 * (1 - 1.0 / space.choices(gene));
    }
    assertThat(changed / mutants).isCloseTo(expected / (1 - same), within(0.1));
  }

  private static SearchSpec with(SearchSpec s, int mutations) {
    return new SearchSpec(
        s.strategy(),
        s.start(),
        s.swaps(),
        1,
        1,
        1,
        1,
        mutations,
        0,
        s.mutationProbability(),
        s.fitness());
  }

  @Test
  void crossoverTakesEachGeneFromEitherParentHalfTheTime() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    SearchSpec spec = new SearchSpec("evolution", "random", 0, 1, 2, 1, 2, 0, 4, 0.2, "accuracy");
    double first = 0;
    double differing = 0;
    for (int seed = 0; seed < 800; seed++) {
      Evolution evolution = evolution(space, limits, spec, seed);
      List<Proposal> parents = evolution.ask();
      Structure a = parents.get(0).structure();
      Structure b = parents.get(1).structure();
      evolution.tell(List.of(score(a), score(b)));
      for (Proposal p : evolution.ask()) {
        if (p.origin().equals("crossover")) {
          for (int gene = 0; gene < space.genes(); gene++) {
            byte code = p.structure().code(gene);
            assertThat(code == a.code(gene) || code == b.code(gene)).isTrue();
            differing += a.code(gene) == b.code(gene) ? 0 : 1;
            first += a.code(gene) != b.code(gene) && code == a.code(gene) ? 1 : 0;
          }
        }
      }
    }
    assertThat(differing).isGreaterThan(5000);
    assertThat(first / differing).isCloseTo(0.5, within(5 * Math.sqrt(0.25 / differing)));
  }

  @Test
  void aCutStartsWithItselfAndItsNeighbours() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 60L);
    byte[] codes = limits.draw(new SplittableRandom(0)).codes();
    limits.grow(codes, new SplittableRandom(0), 60);
    Structure cut = new Structure(codes);
    SearchSpec spec = Spaces.settings("loss", 12, 6);
    Evolution evolution = new Evolution(space, limits, spec, 3, Optional.of(cut));
    List<Proposal> first = evolution.ask();
    assertThat(first.get(0)).isEqualTo(new Proposal(cut, "taylor"));
    for (Proposal p : first.subList(1, first.size())) {
      assertThat(p.origin()).isEqualTo("swap");
      int differences = 0;
      for (int gene = 0; gene < space.genes(); gene++) {
        differences += p.structure().code(gene) == cut.code(gene) ? 0 : 1;
      }
      assertThat(differences).isBetween(1, 2 * spec.swaps());
    }
    run(evolution, EvolutionTest::score)
        .forEach(g -> assertThat(g).allMatch(p -> limits.allow(p.structure())));
  }

  @Test
  void resultsOfOtherStructuresAreRefused() {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, null);
    Evolution evolution = evolution(space, limits, Spaces.settings("loss", 2, 1), 0);
    List<Proposal> asked = evolution.ask();
    assertThatThrownBy(() -> evolution.tell(List.of(score(asked.get(0).structure()))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                evolution.tell(
                    List.of(score(asked.get(1).structure()), score(asked.get(0).structure()))))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
