package dev.glora.search;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;

/** Small search spaces for tests. */
final class Spaces {
  private Spaces() {}

  static JsonNode forms(String text) {
    return Json.parse(text.replace('\'', '"'));
  }

  static Site site(String name, int in, int out) {
    return new Site(name, in, out, true, Set.of());
  }

  /** One site, all 432 forms of the paper at one rank. */
  static SearchSpace paper() {
    return new SearchSpace(List.of(site("a", 3, 5)), List.of(2), null, "hadamard");
  }

  /** Two sites with 4 × 4 structures each. */
  static SearchSpace tiny() {
    JsonNode forms =
        forms(
            "{'A': ['none'], 'B': ['none', 'lora'], 'C': ['none', 'vector'], 'D': ['none'],"
                + " 'E': ['none', 'vector']}");
    return new SearchSpace(
        List.of(site("a", 3, 5), site("b", 5, 4)), List.of(1, 2, 4), forms, "hadamard");
  }

  /** Several sites of odd shapes: without a bias, with dead tensors, with many ranks. */
  static SearchSpace odd() {
    return new SearchSpace(
        List.of(
            site("a", 3, 5),
            new Site("b", 1, 1, false, Set.of()),
            new Site(
                "c", 7, 2, true, EnumSet.of(SupportTensor.C, SupportTensor.D, SupportTensor.E)),
            site("d", 4, 9)),
        List.of(1, 3, 8),
        null,
        "hadamard");
  }

  static List<Structure> all(SearchSpace space) {
    List<Structure> result = new ArrayList<>();
    int[] choice = new int[space.genes()];
    while (true) {
      byte[] codes = new byte[space.genes()];
      for (int gene = 0; gene < codes.length; gene++) {
        codes[gene] = space.choice(gene, choice[gene]);
      }
      result.add(new Structure(codes));
      int gene = 0;
      while (gene < choice.length && ++choice[gene] == space.choices(gene)) {
        choice[gene++] = 0;
      }
      if (gene == choice.length) {
        return result;
      }
    }
  }

  static Structure random(SearchSpace space, SplittableRandom random) {
    byte[] codes = new byte[space.genes()];
    space.drawUniform(random, codes);
    return new Structure(codes);
  }

  /** Settings in the experiment file's words; what is left out has its default. */
  static SearchSpec search(String text) {
    return SearchSpec.of(forms(text));
  }

  static SearchSpec settings(String fitness, int population, int generations) {
    return settings("evolution", fitness, population, generations);
  }

  static SearchSpec settings(String strategy, String fitness, int population, int generations) {
    int half = population / 2;
    return search(
        String.format(
            "{'strategy': '%s', 'swaps': 4, 'population': %d, 'generations': %d, 'parents': %d,"
                + " 'mutations': %d, 'crossovers': %d, 'children': %d, 'tournament': 3,"
                + " 'fitness': '%s'}",
            strategy,
            population,
            generations,
            Math.min(10, population),
            half,
            half,
            half,
            fitness));
  }

  /** A smooth made-up objective; the loss is what accuracy lacks, so both agree. */
  static Result score(Structure structure) {
    double sum = 0;
    byte[] codes = structure.codes();
    for (int gene = 0; gene < codes.length; gene++) {
      sum += codes[gene] * (1 + (gene * 7) % 5);
    }
    return new Result(structure, sum / 1000, 1 - sum / 1000);
  }

  /** Asks and tells until nothing is asked any more. */
  static List<List<Proposal>> run(Strategy strategy, Function<Structure, Result> score) {
    List<List<Proposal>> generations = new ArrayList<>();
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      generations.add(asked);
      strategy.tell(asked.stream().map(p -> score.apply(p.structure())).toList());
    }
    return generations;
  }
}
