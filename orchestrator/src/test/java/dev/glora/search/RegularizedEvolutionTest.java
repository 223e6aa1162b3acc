package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RegularizedEvolutionTest {
  private static final SearchSpace SPACE = Spaces.odd();
  private static final Limits FREE = new Limits(SPACE, ParameterCount.STORED, null, null);

  private static SearchSpec settings(int population, int children, int tournament, int genes) {
    return Spaces.search(
        String.format(
            "{'strategy': 'regularized-evolution', 'population': %d, 'children': %d, 'tournament':"
                + " %d, 'mutated_genes': %d, 'generations': 30, 'parents': 1, 'mutations': 0,"
                + " 'crossovers': 0}",
            population, children, tournament, genes));
  }

  private static int differences(Structure a, Structure b) {
    int differences = 0;
    for (int gene = 0; gene < SPACE.genes(); gene++) {
      differences += a.code(gene) == b.code(gene) ? 0 : 1;
    }
    return differences;
  }

  private static Strategy strategy(SearchSpec settings, long seed) {
    return Strategy.of(SPACE, FREE, settings, seed, Optional.empty());
  }

  @Test
  void everyChildDiffersByItsNumberOfGenesFromOneThatIsNotTooOld() {
    for (int genes : new int[] {1, 3}) {
      SearchSpec settings = settings(8, 4, 3, genes);
      Strategy strategy = strategy(settings, 1);
      List<Structure> told = new ArrayList<>();
      for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
        List<Structure> living = told.subList(Math.max(0, told.size() - 8), told.size());
        for (Proposal proposal : asked) {
          if (proposal.origin().equals("mutation")) {
            assertThat(living).anyMatch(s -> differences(s, proposal.structure()) == genes);
          }
        }
        asked.forEach(proposal -> told.add(proposal.structure()));
        strategy.tell(asked.stream().map(p -> Spaces.score(p.structure())).toList());
      }
      assertThat(told).hasSize(8 + 30 * 4);
    }
  }

  /** The best of all is the first one told; without ageing all children would stay its own. */
  @Test
  void theOldestDiesHoweverGoodItIs() {
    Strategy strategy = strategy(settings(5, 5, 40, 1), 3);
    List<Proposal> first = strategy.ask();
    Structure champion = first.get(0).structure();
    strategy.tell(
        first.stream()
            .map(p -> new Result(p.structure(), p.structure().equals(champion) ? 1 : 0, 1))
            .toList());
    List<Proposal> children = strategy.ask();
    assertThat(children).allMatch(p -> differences(champion, p.structure()) == 1);
    strategy.tell(children.stream().map(p -> new Result(p.structure(), 0.5, 1)).toList());
    assertThat(strategy.ask())
        .noneMatch(p -> differences(champion, p.structure()) == 0)
        .anyMatch(p -> differences(champion, p.structure()) == 2);
    assertThat(strategy.best().orElseThrow().structure()).isEqualTo(champion);
  }

  /** P(rank i of n wins) = ((n − i)^s − (n − i − 1)^s) / n^s. */
  @Test
  void theTournamentChoosesEachRankAsOftenAsItsFormulaSays() {
    int n = 5;
    int s = 2;
    int[] chosen = new int[n];
    int bred = 0;
    for (int seed = 0; seed < 3000; seed++) {
      Strategy strategy = strategy(settings(n, 1, s, 1), seed);
      List<Proposal> asked = strategy.ask();
      List<Result> results = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        results.add(new Result(asked.get(i).structure(), 1.0 - i / 10.0, 1));
      }
      strategy.tell(results);
      Structure child = strategy.ask().get(0).structure();
      for (int i = 0; i < n; i++) {
        if (differences(asked.get(i).structure(), child) == 1) {
          chosen[i]++;
          bred++;
        }
      }
    }
    assertThat(bred).isGreaterThan(2900);
    for (int i = 0; i < n; i++) {
      double p = (Math.pow(n - i, s) - Math.pow(n - i - 1, s)) / Math.pow(n, s);
      assertThat((double) chosen[i] / bred)
          .as("rank %d", i)
          .isCloseTo(p, within(5 * Math.sqrt(p * (1 - p) / bred)));
    }
  }

  @Test
  void eachGeneWithAChoiceAndEachOtherCodeMutatesEquallyOften() {
    int[] genes = new int[SPACE.genes()];
    int[][] codes = new int[SPACE.genes()][8];
    int draws = 6000;
    for (int seed = 0; seed < draws; seed++) {
      Strategy strategy = strategy(settings(1, 1, 1, 1), seed);
      Structure parent = strategy.ask().get(0).structure();
      strategy.tell(List.of(Spaces.score(parent)));
      Structure child = strategy.ask().get(0).structure();
      for (int gene = 0; gene < genes.length; gene++) {
        if (child.code(gene) != parent.code(gene)) {
          genes[gene]++;
          codes[gene][child.code(gene)]++;
        }
      }
    }
    long open = IntStream.range(0, genes.length).filter(gene -> SPACE.choices(gene) > 1).count();
    double expected = (double) draws / open;
    for (int gene = 0; gene < genes.length; gene++) {
      if (SPACE.choices(gene) == 1) {
        assertThat(genes[gene]).isZero();
        continue;
      }
      assertThat((double) genes[gene]).isCloseTo(expected, within(5 * Math.sqrt(expected)));
      // Parents are uniform, so each code is the new one equally often.
      double each = (double) genes[gene] / SPACE.choices(gene);
      for (int i = 0; i < SPACE.choices(gene); i++) {
        assertThat((double) codes[gene][SPACE.choice(gene, i)])
            .isCloseTo(each, within(5 * Math.sqrt(each)));
      }
    }
  }

  @Test
  void findsTheBestOfASmallSpace() {
    SearchSpace space = Spaces.tiny();
    Limits limits = new Limits(space, ParameterCount.FOLDED, null, 30L);
    double best =
        Spaces.all(space).stream()
            .filter(limits::allow)
            .mapToDouble(s -> Spaces.score(s).accuracy())
            .max()
            .orElseThrow();
    SearchSpec settings = Spaces.settings("regularized-evolution", "accuracy", 10, 14);
    Strategy strategy = Strategy.of(space, limits, settings, 2, Optional.empty());
    // 80 of 256 structures.
    Spaces.run(strategy, Spaces::score);
    assertThat(strategy.best().orElseThrow().accuracy()).isEqualTo(best);
  }
}
