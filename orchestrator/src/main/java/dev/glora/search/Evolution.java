package dev.glora.search;

import dev.glora.data.Derived;
import dev.glora.experiment.SearchSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * The paper's evolution: an archive of the best structures ever seen breeds each generation by
 * mutation and crossover.
 *
 * <p>The first generation is {@code population} structures within the limits. Each of the {@code
 * generations} that follow has
 *
 * <ul>
 *   <li>{@code mutations} mutants: a parent drawn uniformly from the archive, each gene of it drawn
 *       anew, uniformly, with probability m, so that of n genes with k codes each n·m·(1 − 1/k)
 *       change on average;
 *   <li>{@code crossovers} children: two parents drawn uniformly (they may be the same one), each
 *       gene from either with probability ½;
 *   <li>random structures for what is missing of {@code population}. Ten attempts are made for each
 *       child that is wanted.
 * </ul>
 *
 * <p>A structure that was asked before is not asked again. One outside the limits is dropped, as
 * published, or, where the search starts from a cut, repaired to the limit's edge. The archive
 * holds the best {@code parents} by fitness; ties go to val accuracy, then val loss, then fewer
 * parameters, then the one seen first. Every generation told counts, the last one too.
 *
 * <p>With a start the first generation is that structure and neighbours that differ from it by at
 * most {@code swaps} exchanges (see {@link Limits#swap}).
 */
public final class Evolution implements Strategy {
  private static final int ATTEMPTS = 10;

  private final SearchSpace space;
  private final Limits limits;
  private final SearchSpec settings;
  private final long seed;
  private final Optional<Structure> start;
  private final Comparator<Result> order;

  private final Set<Structure> asked = new HashSet<>();
  private List<Result> archive = List.of();
  private List<Proposal> generation;
  private int told;

  /**
   * Makes an evolution.
   *
   * @param space the space
   * @param limits limits on the parameters
   * @param settings its constants
   * @param seed root seed of the run
   * @param start the cut to start from, or nothing for a random start
   */
  public Evolution(
      SearchSpace space, Limits limits, SearchSpec settings, long seed, Optional<Structure> start) {
    this.space = space;
    this.limits = limits;
    this.settings = settings;
    this.seed = seed;
    this.start = start;
    this.order = order(space, limits.count(), settings.fitness());
  }

  /**
   * The order of results, best first.
   *
   * @param space the space
   * @param count how parameters are counted
   * @param fitness {@code accuracy} or {@code loss}
   * @return by fitness, then val accuracy, val loss and parameters; a loss that is no number is
   *     last
   */
  static Comparator<Result> order(SearchSpace space, ParameterCount count, String fitness) {
    Comparator<Result> accuracy = Comparator.comparingDouble(Result::accuracy).reversed();
    Comparator<Result> loss = Comparator.comparingDouble(Result::loss);
    Comparator<Result> byFitness =
        fitness.equals("loss") ? loss.thenComparing(accuracy) : accuracy.thenComparing(loss);
    return byFitness.thenComparingLong(result -> space.count(result.structure(), count));
  }

  @Override
  public List<Proposal> ask() {
    if (generation == null) {
      generation = told > settings.generations() ? List.of() : List.copyOf(breed());
      generation.forEach(proposal -> asked.add(proposal.structure()));
    }
    return generation;
  }

  @Override
  public void tell(List<Result> results) {
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
    List<Result> seen = new ArrayList<>(archive);
    seen.addAll(results);
    // The sort is stable, and the archive comes first: the one seen first wins a full tie.
    seen.sort(order);
    archive = List.copyOf(seen.subList(0, Math.min(settings.parents(), seen.size())));
    generation = null;
    told++;
  }

  @Override
  public Optional<Result> best() {
    return archive.stream().findFirst();
  }

  /** One way to make a child, tried with a generator of its own at each attempt. */
  @FunctionalInterface
  private interface Breeder {
    byte[] child(SplittableRandom random);
  }

  private List<Proposal> breed() {
    Brood brood = new Brood();
    if (told == 0) {
      start.ifPresent(
          cut -> {
            brood.add(cut, "taylor");
            int neighbours = settings.population() - 1;
            brood.add("swap", neighbours, random -> neighbour(cut, random));
          });
    } else {
      brood.add("mutation", settings.mutations(), this::mutant);
      brood.add("crossover", settings.crossovers(), this::child);
    }
    int missing = settings.population() - brood.proposals.size();
    brood.add("random", missing, random -> limits.draw(random).codes());
    return brood.proposals;
  }

  private final class Brood {
    private final List<Proposal> proposals = new ArrayList<>();
    private final Set<Structure> own = new HashSet<>();

    private void add(String origin, int wanted, Breeder breeder) {
      int found = 0;
      for (int attempt = 0; attempt < ATTEMPTS * wanted && found < wanted; attempt++) {
        SplittableRandom random = Derived.random(seed, "search/" + origin + "/" + told, attempt);
        byte[] codes = breeder.child(random);
        if (start.isPresent() && !limits.allow(codes)) {
          limits.repair(codes, random);
        }
        if (limits.allow(codes) && add(new Structure(codes), origin)) {
          found++;
        }
      }
    }

    private boolean add(Structure structure, String origin) {
      Structure canonical = structure.canonical(space);
      if (asked.contains(canonical) || !own.add(canonical)) {
        return false;
      }
      return proposals.add(new Proposal(canonical, origin));
    }
  }

  private byte[] mutant(SplittableRandom random) {
    byte[] codes = parent(random);
    for (int gene = 0; gene < codes.length; gene++) {
      if (random.nextDouble() < settings.mutationProbability()) {
        codes[gene] = space.drawUniform(random, gene);
      }
    }
    return codes;
  }

  private byte[] child(SplittableRandom random) {
    byte[] codes = parent(random);
    byte[] other = parent(random);
    for (int gene = 0; gene < codes.length; gene++) {
      if (random.nextBoolean()) {
        codes[gene] = other[gene];
      }
    }
    return codes;
  }

  private byte[] parent(SplittableRandom random) {
    return archive.get(random.nextInt(archive.size())).structure().codes();
  }

  private byte[] neighbour(Structure cut, SplittableRandom random) {
    byte[] codes = cut.codes();
    int exchanges = settings.swaps() < 1 ? 0 : 1 + random.nextInt(settings.swaps());
    for (int i = 0; i < exchanges; i++) {
      limits.swap(codes, random);
    }
    return codes;
  }
}
