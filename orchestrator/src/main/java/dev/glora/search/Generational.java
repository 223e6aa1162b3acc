package dev.glora.search;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What the strategies have in common: a first generation, bred ones, and a memory of what was
 * asked.
 *
 * <p>The first generation is {@code population} structures within the limits. With a start it is
 * that structure and neighbours that differ from it by at most {@code swaps} exchanges (see {@link
 * Limits#swap}). {@code generations} bred ones follow; each is filled up with random structures
 * where the strategy's own children are too few, and the search ends early where nothing new is
 * left. Every generation told counts, the last one too.
 */
abstract class Generational implements Strategy {
  final Breeding breeding;
  final Comparator<Result> order;

  private final Set<Structure> asked = new HashSet<>();
  private List<Proposal> generation;
  private int told;
  private Result best;

  Generational(Breeding breeding) {
    this.breeding = breeding;
    this.order = breeding.order();
  }

  /** Adds the strategy's own children. */
  abstract void breed(Brood brood);

  /** Structures of a bred generation. */
  int size() {
    return breeding.settings().population();
  }

  /** Takes the results of a generation, in the order in which it was asked. */
  abstract void learn(List<Result> results);

  @Override
  public final List<Proposal> ask() {
    if (generation == null) {
      generation = next();
      generation.forEach(proposal -> asked.add(proposal.structure()));
    }
    return generation;
  }

  private List<Proposal> next() {
    if (told > breeding.settings().generations()) {
      return List.of();
    }
    Brood brood = new Brood(breeding, asked, told);
    make(brood, told);
    return brood.proposals();
  }

  /** Makes a generation, the first one or a bred one. */
  void make(Brood brood, int number) {
    if (number == 0) {
      breeding.start().ifPresent(cut -> begin(brood, cut));
      brood.fill(breeding.settings().population());
    } else {
      breed(brood);
      brood.fill(size());
    }
  }

  private void begin(Brood brood, Structure cut) {
    brood.add(cut, "taylor");
    int neighbours = breeding.settings().population() - 1;
    brood.add(
        "swap",
        neighbours,
        breeding.settings().attempts() * neighbours,
        random -> List.of(neighbour(cut, random)));
  }

  private byte[] neighbour(Structure cut, SplittableRandom random) {
    byte[] codes = cut.codes();
    int most = breeding.settings().swaps();
    int exchanges = most < 1 ? 0 : 1 + random.nextInt(most);
    for (int i = 0; i < exchanges; i++) {
      breeding.limits().swap(codes, random);
    }
    return codes;
  }

  @Override
  public final void tell(List<Result> results) {
    List<Proposal> proposals = ask();
    if (results.size() != proposals.size()) {
      throw new IllegalArgumentException(
          results.size() + " results for " + proposals.size() + " proposals");
    }
    for (int i = 0; i < results.size(); i++) {
      if (!results.get(i).structure().equals(proposals.get(i).structure())) {
        throw new IllegalArgumentException("result " + i + " is of another structure");
      }
    }
    for (Result result : results) {
      // The one seen first wins a full tie.
      if (result.complete() && (best == null || order.compare(result, best) < 0)) {
        best = result;
      }
    }
    learn(results);
    generation = null;
    told++;
  }

  @Override
  public final Optional<Result> best() {
    return Optional.ofNullable(best);
  }

  @Override
  public final long evaluations() {
    return breeding.settings().population() + (long) breeding.settings().generations() * size();
  }
}
