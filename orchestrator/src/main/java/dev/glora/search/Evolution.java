package dev.glora.search;

import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The paper's evolution: an archive of the best structures ever seen breeds each generation by
 * mutation and crossover.
 *
 * <p>Each generation after the first has
 *
 * <ul>
 *   <li>{@code mutations} mutants: a parent drawn uniformly from the archive, each gene of it drawn
 *       anew, uniformly, with probability m, so that of n genes with k codes each n·m·(1 − 1/k)
 *       change on average;
 *   <li>{@code crossovers} children: two parents drawn uniformly (they may be the same one), each
 *       gene from the second one with probability {@code swap_probability};
 *   <li>random structures for what is missing of {@code population}. {@code attempts} are made for
 *       each child that is wanted.
 * </ul>
 *
 * <p>The archive holds the best {@code parents} complete results by fitness; ties go to val
 * accuracy, then val loss, then fewer parameters, then the one seen first. A proposal has to beat
 * the last of them.
 */
final class Evolution extends Generational {
  private final SearchSpec settings;
  private List<Result> archive = List.of();

  Evolution(Breeding breeding) {
    super(breeding);
    this.settings = breeding.settings();
  }

  @Override
  void breed(Brood brood) {
    if (archive.isEmpty()) {
      return;
    }
    brood.add(
        "mutation",
        settings.mutations(),
        settings.attempts() * settings.mutations(),
        random -> List.of(mutant(random)));
    brood.add(
        "crossover",
        settings.crossovers(),
        settings.attempts() * settings.crossovers(),
        random -> List.of(child(random)));
  }

  @Override
  void learn(List<Result> results) {
    List<Result> seen = new ArrayList<>(archive);
    results.stream().filter(Result::complete).forEach(seen::add);
    // The sort is stable, and the archive comes first: the one seen first wins a full tie.
    seen.sort(order);
    archive = List.copyOf(seen.subList(0, Math.min(settings.parents(), seen.size())));
  }

  @Override
  public Optional<Structure> rival(Proposal proposal) {
    return archive.size() < settings.parents()
        ? Optional.empty()
        : Optional.of(archive.get(archive.size() - 1).structure());
  }

  private byte[] mutant(SplittableRandom random) {
    byte[] codes = parent(random);
    for (int gene = 0; gene < codes.length; gene++) {
      if (random.nextDouble() < settings.mutationProbability()) {
        codes[gene] = breeding.space().drawUniform(random, gene);
      }
    }
    return codes;
  }

  private byte[] child(SplittableRandom random) {
    byte[] codes = parent(random);
    byte[] other = parent(random);
    for (int gene = 0; gene < codes.length; gene++) {
      if (random.nextDouble() < settings.swapProbability()) {
        codes[gene] = other[gene];
      }
    }
    return codes;
  }

  private byte[] parent(SplittableRandom random) {
    return archive.get(random.nextInt(archive.size())).structure().codes();
  }
}
