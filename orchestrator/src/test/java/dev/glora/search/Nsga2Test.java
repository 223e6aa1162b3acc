package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** NSGA-II beside what brute force finds. */
class Nsga2Test {
  private static final ParameterCount COUNT = ParameterCount.FOLDED;

  /** Two sites with all forms of one rank: 432² structures, or 144² functions. */
  private static SearchSpace space() {
    return new SearchSpace(
        List.of(Spaces.site("a", 3, 5), Spaces.site("b", 4, 6)),
        List.of(2),
        Spaces.forms(
            "{'A': ['none','scalar','vector','lora'], 'B': ['none','scalar','vector','lora'],"
                + " 'C': ['none','vector'], 'D': ['none','vector'], 'E': ['none','scalar']}"),
        "hadamard");
  }

  /** Each code of each gene is worth something drawn, more for more parameters on average. */
  private static Map<Structure, Result> all(SearchSpace space, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] worth = new double[space.genes()][8];
    for (int gene = 0; gene < space.genes(); gene++) {
      for (int code = 1; code < 8; code++) {
        worth[gene][code] = code * random.nextDouble() + random.nextDouble();
      }
    }
    Map<Structure, Result> results = new HashMap<>();
    for (Structure structure : Spaces.all(space)) {
      double sum = 0;
      for (int gene = 0; gene < space.genes(); gene++) {
        sum += worth[gene][structure.code(gene)];
      }
      results.put(structure, new Result(structure, sum / 100, 1 - sum / 100));
    }
    return results;
  }

  private static long size(SearchSpace space, Result result) {
    return space.count(result.structure(), COUNT);
  }

  /** The oracle: each result against each other one. */
  private static List<List<Number>> front(SearchSpace space, List<Result> results) {
    List<List<Number>> front = new ArrayList<>();
    for (Result a : results) {
      boolean dominated = false;
      for (Result b : results) {
        dominated |=
            b.accuracy() >= a.accuracy()
                && size(space, b) <= size(space, a)
                && (b.accuracy() > a.accuracy() || size(space, b) < size(space, a));
      }
      if (!dominated) {
        front.add(List.of(size(space, a), a.accuracy()));
      }
    }
    return front.stream().distinct().toList();
  }

  /** Area between the front and the worst of both objectives. */
  private static double hypervolume(SearchSpace space, List<Result> results) {
    long worst = space.range(COUNT).max();
    List<Result> sorted = new ArrayList<>(results);
    sorted.sort(Comparator.comparingLong(r -> size(space, r)));
    double area = 0;
    double height = 0;
    for (int i = 0; i < sorted.size(); i++) {
      height = Math.max(height, sorted.get(i).accuracy());
      long next = i + 1 < sorted.size() ? size(space, sorted.get(i + 1)) : worst;
      area += height * (next - size(space, sorted.get(i)));
    }
    return area;
  }

  private static Strategy run(
      SearchSpace space, SearchSpec settings, long seed, Map<Structure, Result> results) {
    Limits limits = new Limits(space, COUNT, null, null);
    Strategy strategy = Strategy.of(space, limits, settings, seed, Optional.empty());
    Spaces.run(strategy, results::get);
    return strategy;
  }

  private static SearchSpec settings(String strategy, int generations) {
    return Spaces.search(
        "{'strategy': '"
            + strategy
            + "', 'population': 40, 'mutation_probability': 0.1, 'generations': "
            + generations
            + "}");
  }

  @Test
  void aSearchOfTheWholeSpaceEndsWithTheTrueFront() {
    SearchSpace space = Spaces.tiny();
    Map<Structure, Result> results = all(space, 1);
    Strategy strategy = run(space, settings("nsga2", 1000), 1, results);
    List<Result> everything = List.copyOf(results.values());
    assertThat(front(space, strategy.front()))
        .containsExactlyInAnyOrderElementsOf(front(space, everything));
    assertThat(strategy.front())
        .isSortedAccordingTo(Comparator.comparingLong(r -> size(space, r)))
        .allMatch(r -> front(space, everything).contains(List.of(size(space, r), r.accuracy())));
  }

  /** 840 of 16,384 structures. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void aTwentiethOfTheSpaceGivesNearlyTheTrueFrontAndMoreThanRandom(long seed) {
    SearchSpace space = space();
    Map<Structure, Result> results = all(space, seed);
    double best = hypervolume(space, List.copyOf(results.values()));
    double found = hypervolume(space, run(space, settings("nsga2", 20), seed, results).front());
    Limits limits = new Limits(space, COUNT, null, null);
    Strategy random = Strategy.of(space, limits, settings("random", 20), seed, Optional.empty());
    List<Result> drawn =
        Spaces.run(random, results::get).stream()
            .flatMap(List::stream)
            .map(proposal -> results.get(proposal.structure()))
            .toList();
    assertThat(found / best).isBetween(0.95, 1.0);
    assertThat(found).isGreaterThan(hypervolume(space, drawn));
  }

  @Test
  void theFrontIsWhatNoneOfTheResultsToldDominates() {
    SearchSpace space = space();
    Map<Structure, Result> results = all(space, 7);
    Limits limits = new Limits(space, COUNT, 4L, 40L);
    Strategy strategy = Strategy.of(space, limits, settings("nsga2", 6), 7, Optional.empty());
    List<Result> told = new ArrayList<>();
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      List<Result> generation = asked.stream().map(p -> results.get(p.structure())).toList();
      told.addAll(generation);
      strategy.tell(generation);
      assertThat(front(space, strategy.front()))
          .containsExactlyInAnyOrderElementsOf(front(space, told));
    }
  }

  /** The better of two drawn with replacement is the better one in three of four draws. */
  @Test
  void aBinaryTournamentChoosesTheBetterOneInThreeOfFourDraws() {
    SearchSpace space = Spaces.odd();
    Limits limits = new Limits(space, COUNT, null, null);
    SearchSpec settings =
        Spaces.search(
            "{'strategy': 'nsga2', 'population': 2, 'parents': 1, 'mutations': 0, 'crossovers': 0,"
                + " 'generations': 1, 'crossover_probability': 0, 'mutation_probability': 0.08}");
    int better = 0;
    int bred = 0;
    for (int seed = 0; seed < 1200; seed++) {
      Strategy strategy = Strategy.of(space, limits, settings, seed, Optional.empty());
      List<Proposal> asked = strategy.ask();
      Structure a = asked.get(0).structure();
      Structure b = asked.get(1).structure();
      boolean first = space.count(a, COUNT) < space.count(b, COUNT);
      if (space.count(a, COUNT) == space.count(b, COUNT)) {
        continue;
      }
      strategy.tell(List.of(new Result(a, .5, .5), new Result(b, .5, .5)));
      for (Proposal proposal : strategy.ask()) {
        if (proposal.origin().equals("offspring")) {
          bred++;
          better += (near(proposal, a) < near(proposal, b)) == first ? 1 : 0;
        }
      }
    }
    assertThat(bred).isGreaterThan(1200);
    assertThat((double) better / bred).isCloseTo(0.75, within(5 * Math.sqrt(0.75 * 0.25 / bred)));
  }

  private static int near(Proposal proposal, Structure parent) {
    int differences = 0;
    for (int gene = 0; gene < parent.codes().length; gene++) {
      differences += proposal.structure().code(gene) == parent.code(gene) ? 0 : 1;
    }
    return differences;
  }

  @Test
  void theRivalIsOneOfParentsThatDominateWhoeverIsWorse() {
    SearchSpace space = space();
    Map<Structure, Result> results = all(space, 9);
    Limits limits = new Limits(space, COUNT, null, null);
    SearchSpec settings = settings("nsga2", 5);
    Strategy strategy = Strategy.of(space, limits, settings, 9, Optional.empty());
    List<Result> told = new ArrayList<>();
    int raced = 0;
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      for (Proposal proposal : asked) {
        Optional<Structure> rival = strategy.rival(proposal);
        if (rival.isPresent()) {
          raced++;
          Result beaten = results.get(rival.get());
          long size = space.count(proposal.structure(), COUNT);
          assertThat(told.stream().filter(r -> size(space, r) <= size))
              .filteredOn(r -> r.accuracy() >= beaten.accuracy())
              .hasSizeGreaterThanOrEqualTo(settings.parents());
        }
      }
      List<Result> generation = asked.stream().map(p -> results.get(p.structure())).toList();
      told.addAll(generation);
      strategy.tell(generation);
    }
    assertThat(raced).isGreaterThan(50);
  }

  @Test
  void byLossTheFrontIsOfLossesAndOneThatIsNoNumberIsLast() {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, COUNT, null, null);
    Strategy strategy =
        Strategy.of(
            space,
            limits,
            Spaces.search(
                "{'strategy': 'nsga2', 'population': 3, 'parents': 1, 'generations': 0,"
                    + " 'mutations': 0, 'crossovers': 0, 'fitness': 'loss'}"),
            0,
            Optional.empty());
    List<Structure> asked =
        strategy.ask().stream()
            .map(Proposal::structure)
            .sorted(Comparator.comparingLong(s -> space.count(s, COUNT)))
            .toList();
    Map<Structure, Result> results =
        Map.of(
            asked.get(0), new Result(asked.get(0), 0, 2),
            asked.get(1), new Result(asked.get(1), 1, Double.NaN),
            asked.get(2), new Result(asked.get(2), 0, 1));
    strategy.tell(strategy.ask().stream().map(p -> results.get(p.structure())).toList());
    assertThat(strategy.front())
        .containsExactly(results.get(asked.get(0)), results.get(asked.get(2)));
    assertThat(strategy.best()).contains(results.get(asked.get(2)));
  }
}
