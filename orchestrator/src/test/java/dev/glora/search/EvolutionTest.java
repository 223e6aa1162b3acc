package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.glora.experiment.SearchSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EvolutionTest {
  private static Strategy evolution(SearchSpace space, Limits limits, SearchSpec spec, long seed) {
    return Strategy.of(space, limits, spec, seed, Optional.empty());
  }

  @ParameterizedTest
  @EnumSource(ParameterCount.class)
  void findsTheBestOfASmallSpace(ParameterCount count) {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, count, null, 30L);
    double best =
        Spaces.all(space).stream()
            .filter(limits::allow)
            .mapToDouble(s -> Spaces.score(s).accuracy())
            .max()
            .orElseThrow();
    Strategy evolution = evolution(space, limits, Spaces.settings("accuracy", 20, 30), 1);
    Spaces.run(evolution, Spaces::score);
    assertThat(evolution.best().orElseThrow().accuracy()).isEqualTo(best);
  }

  @Test
  void tiesGoToLossThenParametersThenTheFirst() {
    SearchSpace space = Spaces.tiny();
    var order = Result.order(space, ParameterCount.FOLDED, Spaces.search("{}"));
    Structure small = new Structure(new byte[10]);
    Structure large = space.largest();
    assertThat(order.compare(new Result(large, .8, .4), new Result(small, .7, .1))).isNegative();
    assertThat(order.compare(new Result(large, .8, .4), new Result(small, .8, .5))).isNegative();
    assertThat(order.compare(new Result(large, .8, .4), new Result(small, .8, .4))).isPositive();
    assertThat(order.compare(new Result(small, .8, .4), new Result(small, .8, .4))).isZero();
    var byLoss = Result.order(space, ParameterCount.FOLDED, Spaces.search("{'fitness': 'loss'}"));
    assertThat(byLoss.compare(new Result(large, .8, .4), new Result(small, .9, .5))).isNegative();
    assertThat(byLoss.compare(new Result(small, .9, Double.NaN), new Result(large, .1, 9)))
        .isPositive();
  }

  /** Of n genes with k codes, n·m·(1 − 1/k) change in a mutant. */
  @Test
  void mutantsChangeAsManyGenesAsTheirFormulaSays() {
    SearchSpace space = Spaces.paper();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    SearchSpec one =
        Spaces.search(
            "{'population': 1, 'generations': 1, 'parents': 1, 'mutations': 1, 'crossovers': 0}");
    double changed = 0;
    double mutants = 0;
    double expected = 0;
    for (int gene = 0; gene < space.genes(); gene++) {
      expected += 0.2 * (1 - 1.0 / space.choices(gene));
    }
    // Unchanged mutants are never asked, and repeats are rare only in few draws: one per search.
    for (int seed = 0; seed < 1500; seed++) {
      Strategy evolution = evolution(space, limits, one, seed);
      Structure parent = evolution.ask().get(0).structure();
      evolution.tell(List.of(Spaces.score(parent)));
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

  /**
   * Of n genes that differ between the parents a child has k of one and n − k of the other, whoever
   * was first, with E[k(n − k)] = n(n − 1)·s·(1 − s).
   */
  @ParameterizedTest
  @ValueSource(doubles = {0.2, 0.5})
  void crossoverTakesEachGeneFromTheSecondParentAsOftenAsItsSettingSays(double swap) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    SearchSpec spec =
        Spaces.search(
            "{'population': 2, 'generations': 1, 'parents': 2, 'mutations': 0, 'crossovers': 4,"
                + " 'swap_probability': "
                + swap
                + "}");
    double mixed = 0;
    double pairs = 0;
    for (int seed = 0; seed < 1500; seed++) {
      Strategy evolution = evolution(space, limits, spec, seed);
      List<Proposal> parents = evolution.ask();
      Structure a = parents.get(0).structure();
      Structure b = parents.get(1).structure();
      evolution.tell(List.of(Spaces.score(a), Spaces.score(b)));
      for (Proposal p : evolution.ask()) {
        if (p.origin().equals("crossover")) {
          int first = 0;
          int differing = 0;
          for (int gene = 0; gene < space.genes(); gene++) {
            byte code = p.structure().code(gene);
            assertThat(code == a.code(gene) || code == b.code(gene)).isTrue();
            differing += a.code(gene) == b.code(gene) ? 0 : 1;
            first += a.code(gene) != b.code(gene) && code == a.code(gene) ? 1 : 0;
          }
          mixed += first * (differing - first);
          pairs += differing * (differing - 1);
        }
      }
    }
    // A child that equals a parent is never asked: of ten genes and more hardly one is lost so at
    // one half, and some at a fifth.
    assertThat(mixed / pairs).isCloseTo(swap * (1 - swap), within(0.025));
  }

  @Test
  void withoutRepairChildrenOutsideTheLimitsAreDropped() {
    SearchSpace space = Spaces.odd();
    long least = space.range(ParameterCount.FOLDED).min();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, least + 25);
    long repaired = 0;
    long dropped = 0;
    for (int seed = 0; seed < 20; seed++) {
      repaired += bred(space, limits, "repair", seed);
      dropped += bred(space, limits, "drop", seed);
    }
    assertThat(dropped).isPositive().isLessThan(repaired);
  }

  private static long bred(SearchSpace space, Limits limits, String overLimit, long seed) {
    SearchSpec spec =
        Spaces.search(
            "{'population': 10, 'generations': 1, 'parents': 5, 'mutations': 10, 'crossovers': 0,"
                + " 'attempts': 1, 'mutation_probability': 0.5, 'over_limit': '"
                + overLimit
                + "'}");
    return Spaces.run(evolution(space, limits, spec, seed), Spaces::score).get(1).stream()
        .filter(proposal -> proposal.origin().equals("mutation"))
        .count();
  }

  @Test
  void theRivalIsTheLastOfTheParents() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    SearchSpec spec = Spaces.settings("accuracy", 12, 2);
    Strategy evolution = evolution(space, limits, spec, 4);
    List<Proposal> first = evolution.ask();
    assertThat(evolution.rival(first.get(0))).isEmpty();
    List<Result> results = first.stream().map(p -> Spaces.score(p.structure())).toList();
    evolution.tell(results);
    Result tenth =
        results.stream()
            .sorted(Result.order(space, ParameterCount.STORED, spec))
            .toList()
            .get(spec.parents() - 1);
    assertThat(evolution.rival(evolution.ask().get(0))).contains(tenth.structure());
  }
}
