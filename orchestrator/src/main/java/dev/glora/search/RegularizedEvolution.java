package dev.glora.search;

import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Regularised (ageing) evolution: the best of a tournament is the parent, and not the worst but the
 * oldest dies, so a structure survives only by descendants that do as well as it did.
 *
 * <p>Source: E. Real, A. Aggarwal, Y. Huang, Q. V. Le, <i>Regularized Evolution for Image
 * Classifier Architecture Search</i>, AAAI 2019, algorithm 1. There one child is bred at a time;
 * here {@code children} are bred from the same population and told together, which is algorithm 1
 * for {@code children: 1}.
 *
 * <ul>
 *   <li>Tournament: {@code tournament} structures are drawn uniformly from the population, with
 *       replacement; the best of them is the parent. The one of rank i of n (0 is the best) is it
 *       with probability ((n − i)^s − (n − i − 1)^s) / n^s.
 *   <li>Mutation: {@code mutated_genes} different genes that have a choice, drawn uniformly, each
 *       changed to one of its other codes, uniformly. A child outside the limits is then repaired.
 * </ul>
 *
 * <p>A proposal has to beat the {@code parents}-th of the population.
 */
final class RegularizedEvolution extends Generational {
  private final SearchSpec settings;
  private final int[] open;

  /** Oldest first. */
  private List<Result> population = List.of();

  RegularizedEvolution(Breeding breeding) {
    super(breeding);
    this.settings = breeding.settings();
    SearchSpace space = breeding.space();
    this.open = IntStream.range(0, space.genes()).filter(gene -> space.choices(gene) > 1).toArray();
  }

  @Override
  int size() {
    return settings.children();
  }

  @Override
  void breed(Brood brood) {
    brood.add(
        "mutation",
        settings.children(),
        settings.attempts() * settings.children(),
        random -> List.of(mutant(parent(random).structure(), random)));
  }

  @Override
  void learn(List<Result> results) {
    List<Result> all = new ArrayList<>(population);
    all.addAll(results);
    population =
        List.copyOf(all.subList(Math.max(0, all.size() - settings.population()), all.size()));
  }

  @Override
  public Optional<Structure> rival(Proposal proposal) {
    List<Result> ranked = population.stream().filter(Result::complete).sorted(order).toList();
    return ranked.size() < settings.parents()
        ? Optional.empty()
        : Optional.of(ranked.get(settings.parents() - 1).structure());
  }

  private Result parent(SplittableRandom random) {
    List<Result> drawn = new ArrayList<>();
    for (int i = 0; i < settings.tournament(); i++) {
      drawn.add(population.get(random.nextInt(population.size())));
    }
    return Collections.min(drawn, order);
  }

  private byte[] mutant(Structure parent, SplittableRandom random) {
    byte[] codes = parent.codes();
    int[] genes = open.clone();
    for (int i = 0; i < Math.min(settings.mutatedGenes(), genes.length); i++) {
      int j = i + random.nextInt(genes.length - i);
      int gene = genes[j];
      genes[j] = genes[i];
      codes[gene] = other(gene, codes[gene], random);
    }
    return codes;
  }

  private byte other(int gene, byte code, SplittableRandom random) {
    SearchSpace space = breeding.space();
    int choice = random.nextInt(space.choices(gene) - 1);
    byte drawn = space.choice(gene, choice);
    // The codes ascend: those from the own one on stand one place further.
    return drawn < code ? drawn : space.choice(gene, choice + 1);
  }
}
