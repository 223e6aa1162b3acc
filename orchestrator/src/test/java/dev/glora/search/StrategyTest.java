package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every strategy. */
class StrategyTest {
  private static Strategy strategy(
      SearchSpace space, Limits limits, SearchSpec settings, long seed) {
    return Strategy.of(space, limits, settings, seed, Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void nothingIsAskedTwiceAndEverythingIsWithinTheLimits(String name) {
    SearchSpace space = Spaces.odd();
    for (long seed = 0; seed < 4; seed++) {
      for (ParameterCount count : ParameterCount.values()) {
        Limits limits = new Limits(space, count, 20L, 70L);
        SearchSpec settings = Spaces.settings(name, "loss", 20, 8);
        Strategy strategy = strategy(space, limits, settings, seed);
        List<List<Proposal>> generations = Spaces.run(strategy, Spaces::score);
        assertThat(generations).hasSize(9);
        assertThat(generations.stream().mapToLong(List::size).sum())
            .isEqualTo(strategy.evaluations());
        Set<Structure> seen = new HashSet<>();
        for (List<Proposal> generation : generations) {
          for (Proposal proposal : generation) {
            assertThat(seen.add(proposal.structure().canonical(space))).isTrue();
            assertThat(limits.allow(proposal.structure())).isTrue();
            assertThat(space.contains(proposal.structure())).isTrue();
          }
        }
      }
    }
  }

  /** Few structures keep so narrow a limit: rejection alone would find next to none. */
  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution"})
  void childrenAreRepairedToANarrowLimit(String name) {
    SearchSpace space = Spaces.odd();
    SearchSpace.Range range = space.range(ParameterCount.FOLDED);
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, range.min() + 12);
    List<List<Proposal>> generations =
        Spaces.run(strategy(space, limits, Spaces.settings(name, "loss", 20, 3), 1), Spaces::score);
    long bred =
        generations.stream()
            .skip(1)
            .flatMap(List::stream)
            .filter(proposal -> !proposal.origin().equals("random"))
            .count();
    assertThat(bred).isGreaterThan(generations.stream().skip(1).mapToLong(List::size).sum() / 2);
    generations.forEach(g -> assertThat(g).allMatch(p -> limits.allow(p.structure())));
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void anExhaustedSpaceEndsTheSearch(String name) {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 4L);
    Set<Structure> all = new HashSet<>();
    Spaces.all(space).stream().filter(limits::allow).forEach(all::add);
    Set<Structure> asked = new HashSet<>();
    Spaces.run(
            strategy(space, limits, Spaces.settings(name, "accuracy", 10, 1000), 1), Spaces::score)
        .forEach(g -> g.forEach(p -> asked.add(p.structure())));
    assertThat(asked).isEqualTo(all);
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void equalSeedsGiveEqualSearchesAndOthersDiffer(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, 90L);
    SearchSpec spec = Spaces.settings(name, "accuracy", 16, 5);
    var first = Spaces.run(strategy(space, limits, spec, 5), Spaces::score);
    assertThat(Spaces.run(strategy(space, limits, spec, 5), Spaces::score)).isEqualTo(first);
    assertThat(Spaces.run(strategy(space, limits, spec, 6), Spaces::score)).isNotEqualTo(first);
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void tellingStoredResultsAgainResumesExactly(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, 90L);
    SearchSpec spec = Spaces.settings(name, "accuracy", 16, 6);
    Strategy undisturbed = strategy(space, limits, spec, 5);
    var whole = Spaces.run(undisturbed, Spaces::score);
    for (int stop = 0; stop <= 6; stop++) {
      Strategy resumed = strategy(space, limits, spec, 5);
      for (int g = 0; g < stop; g++) {
        assertThat(resumed.ask()).isEqualTo(whole.get(g));
        resumed.tell(resumed.ask().stream().map(p -> Spaces.score(p.structure())).toList());
      }
      assertThat(Spaces.run(resumed, Spaces::score)).isEqualTo(whole.subList(stop, 7));
      assertThat(resumed.best()).isEqualTo(undisturbed.best());
      assertThat(resumed.front()).isEqualTo(undisturbed.front());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void theLastGenerationCounts(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.STORED, null, null);
    Strategy strategy = strategy(space, limits, Spaces.settings(name, "accuracy", 10, 3), 2);
    int generation = 0;
    Structure expected = null;
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      generation++;
      List<Result> results = new ArrayList<>();
      for (Proposal proposal : asked) {
        expected = proposal.structure();
        results.add(new Result(expected, 0, 1));
      }
      results.set(asked.size() - 1, new Result(expected, generation, 1));
      strategy.tell(results);
    }
    assertThat(strategy.best().orElseThrow().structure()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void anIncompleteResultNeverWinsAndIsNoRival(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 90L);
    Strategy strategy = strategy(space, limits, Spaces.settings(name, "accuracy", 12, 6), 2);
    SplittableRandom random = new SplittableRandom(3);
    Set<Structure> incomplete = new HashSet<>();
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      List<Result> results = new ArrayList<>();
      for (Proposal proposal : asked) {
        strategy.rival(proposal).ifPresent(rival -> assertThat(incomplete).doesNotContain(rival));
        Structure structure = proposal.structure();
        if (random.nextInt(3) == 0) {
          // Of the few rows it saw all were right.
          results.add(new Result(structure, 1, 0, false));
          incomplete.add(structure);
        } else {
          results.add(Spaces.score(structure));
        }
      }
      strategy.tell(results);
      assertThat(strategy.best().orElseThrow().complete()).isTrue();
      assertThat(strategy.front()).allMatch(Result::complete);
    }
    assertThat(incomplete).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void nothingButIncompleteResultsGivesNoBestAndGoesOn(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 90L);
    Strategy strategy = strategy(space, limits, Spaces.settings(name, "loss", 8, 3), 2);
    var generations = Spaces.run(strategy, s -> new Result(s, 0, Double.POSITIVE_INFINITY, false));
    assertThat(generations).hasSize(4);
    assertThat(strategy.best()).isEmpty();
    assertThat(strategy.front()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void aCutStartsWithItselfAndItsNeighbours(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 60L);
    byte[] codes = limits.draw(new SplittableRandom(0)).codes();
    limits.grow(codes, new SplittableRandom(0), 60);
    Structure cut = new Structure(codes);
    SearchSpec spec = Spaces.settings(name, "loss", 12, 6);
    Strategy strategy = Strategy.of(space, limits, spec, 3, Optional.of(cut));
    List<Proposal> first = strategy.ask();
    assertThat(first.get(0)).isEqualTo(new Proposal(cut, "taylor"));
    for (Proposal p : first.subList(1, first.size())) {
      assertThat(p.origin()).isEqualTo("swap");
      int differences = 0;
      for (int gene = 0; gene < space.genes(); gene++) {
        differences += p.structure().code(gene) == cut.code(gene) ? 0 : 1;
      }
      assertThat(differences).isBetween(1, 2 * spec.swaps());
    }
    Spaces.run(strategy, Spaces::score)
        .forEach(g -> assertThat(g).allMatch(p -> limits.allow(p.structure())));
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void resultsOfOtherStructuresAreRefused(String name) {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, null);
    Strategy strategy = strategy(space, limits, Spaces.settings(name, "loss", 2, 1), 0);
    List<Proposal> asked = strategy.ask();
    Result first = Spaces.score(asked.get(0).structure());
    Result second = Spaces.score(asked.get(1).structure());
    assertThatThrownBy(() -> strategy.tell(List.of(first)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> strategy.tell(List.of(second, first)))
        .isInstanceOf(IllegalArgumentException.class);
    strategy.tell(List.of(first, second));
    assertThat(strategy.best()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void onePopulationOfOneStructureSearchesToo(String name) {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 90L);
    Strategy strategy =
        strategy(
            space,
            limits,
            Spaces.search(
                "{'strategy': '"
                    + name
                    + "', 'population': 1, 'parents': 1, 'mutations': 1, 'crossovers': 0,"
                    + " 'children': 1, 'generations': 5}"),
            0);
    assertThat(Spaces.run(strategy, Spaces::score)).hasSize(6).allMatch(g -> g.size() == 1);
  }
}
