package dev.glora.search;

import io.jenetics.AnyChromosome;
import io.jenetics.AnyGene;
import io.jenetics.Genotype;
import io.jenetics.Optimize;
import io.jenetics.Phenotype;
import io.jenetics.TournamentSelector;
import io.jenetics.UniformCrossover;
import io.jenetics.ext.moea.Pareto;
import io.jenetics.util.ISeq;
import io.jenetics.util.RandomRegistry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * NSGA-II over two objectives: fitness on val, to be high, and parameters, to be few.
 *
 * <p>Source: K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, <i>A Fast and Elitist Multiobjective
 * Genetic Algorithm: NSGA-II</i>, IEEE Transactions on Evolutionary Computation 6(2), 2002.
 *
 * <ul>
 *   <li>A result dominates another one if it is no worse in both objectives and better in one. Rank
 *       0 are those that none dominates, rank 1 those that only rank 0 dominates, and so on.
 *   <li>Within a rank the crowding distance of a result is the sum over the objectives of the
 *       distance between its two neighbours, over that of the extremes, which have infinity.
 *   <li>Of parents and children the first {@code population} by rank, then by greater distance,
 *       survive. Children come of a binary tournament by the same order, uniform crossover (an
 *       individual takes part with probability {@code crossover_probability}, a gene is exchanged
 *       with probability {@code swap_probability}) and mutation (a gene is drawn anew with
 *       probability {@code mutation_probability}).
 * </ul>
 *
 * <p>An incomplete result is dominated by every complete one, as an infeasible one is in the
 * paper's constrained domination, and is never of the front. A proposal's parameters are known
 * before it is evaluated: it has to beat the {@code parents}-th by fitness of the surviving
 * structures that have no more parameters. If it is worse than that one, {@code parents} of them
 * dominate it.
 *
 * <p>Breeding is serial, with a generator derived for each call, since Jenetics' own parallel
 * engine gives other children at each run.
 */
final class Nsga2 extends Generational {
  /** A result with its place among the survivors; the greater one wins a tournament. */
  private record Crowded(Result result, int rank, double distance) implements Comparable<Crowded> {
    private static final Comparator<Crowded> ORDER =
        Comparator.comparingInt(Crowded::rank).reversed().thenComparingDouble(Crowded::distance);

    @Override
    public int compareTo(Crowded other) {
      return ORDER.compare(this, other);
    }
  }

  private final TournamentSelector<AnyGene<Byte>, Crowded> tournament = new TournamentSelector<>(2);
  private final UniformCrossover<AnyGene<Byte>, Crowded> crossover;
  private List<Crowded> population = List.of();

  /** Of all that was told, since a front may be larger than the population. */
  private List<Result> front = List.of();

  Nsga2(Breeding breeding) {
    super(breeding);
    this.crossover =
        new UniformCrossover<>(
            breeding.settings().crossoverProbability(), breeding.settings().swapProbability());
  }

  @Override
  void breed(Brood brood) {
    if (population.isEmpty()) {
      return;
    }
    brood.add("offspring", size(), breeding.settings().attempts(), this::offspring);
  }

  @Override
  void learn(List<Result> results) {
    List<Result> all = new ArrayList<>();
    population.forEach(survivor -> all.add(survivor.result()));
    all.addAll(results);
    List<Crowded> ranked = crowded(all);
    // Stable: of equals the one seen first survives.
    ranked.sort(Comparator.reverseOrder());
    population = List.copyOf(ranked.subList(0, Math.min(size(), ranked.size())));
    List<Result> candidates = new ArrayList<>(front);
    results.stream().filter(Result::complete).forEach(candidates::add);
    front = List.copyOf(Pareto.front(ISeq.of(candidates), this::dominance).asList());
  }

  @Override
  public List<Result> front() {
    return front.stream()
        .sorted(Comparator.comparingLong(this::parameters).thenComparing(order))
        .toList();
  }

  @Override
  public Optional<Structure> rival(Proposal proposal) {
    long parameters = breeding.space().count(proposal.structure(), breeding.limits().count());
    List<Result> smaller =
        population.stream()
            .map(Crowded::result)
            .filter(result -> result.complete() && parameters(result) <= parameters)
            .sorted(order)
            .toList();
    int parents = breeding.settings().parents();
    return smaller.size() < parents
        ? Optional.empty()
        : Optional.of(smaller.get(parents - 1).structure());
  }

  private List<Crowded> crowded(List<Result> results) {
    int[] ranks = Pareto.rank(ISeq.of(results), this::dominance);
    List<Crowded> crowded = new ArrayList<>();
    for (int rank = 0; crowded.size() < results.size(); rank++) {
      List<Result> layer = new ArrayList<>();
      for (int i = 0; i < ranks.length; i++) {
        if (ranks[i] == rank) {
          layer.add(results.get(i));
        }
      }
      double[] distances =
          Pareto.crowdingDistance(
              ISeq.of(layer),
              (a, b, i) -> Double.compare(objective(a, i), objective(b, i)),
              (a, b, i) -> Math.abs(objective(a, i) - objective(b, i)),
              result -> 2);
      for (int i = 0; i < distances.length; i++) {
        crowded.add(new Crowded(layer.get(i), rank, distances[i]));
      }
    }
    return crowded;
  }

  /** Above 0 where {@code a} dominates {@code b}, below 0 where it is the other way round. */
  private int dominance(Result a, Result b) {
    if (a.complete() != b.complete()) {
      return a.complete() ? 1 : -1;
    }
    int quality = Double.compare(objective(a, 0), objective(b, 0));
    int size = Double.compare(objective(a, 1), objective(b, 1));
    return quality * size < 0 ? 0 : Integer.signum(quality + size);
  }

  /** The objectives, both to be high. A loss that is no number is the greatest that there is. */
  private double objective(Result result, int index) {
    if (index == 1) {
      return -parameters(result);
    }
    double quality =
        breeding.settings().fitness().equals("loss") ? -result.loss() : result.accuracy();
    return Double.isFinite(quality) ? quality : -Double.MAX_VALUE;
  }

  private long parameters(Result result) {
    return breeding.space().count(result.structure(), breeding.limits().count());
  }

  private List<byte[]> offspring(SplittableRandom random) {
    return RandomRegistry.with(
        random,
        own -> {
          ISeq<Phenotype<AnyGene<Byte>, Crowded>> parents =
              population.stream().map(this::phenotype).collect(ISeq.toISeq());
          var pool = tournament.select(parents, size(), Optimize.MAXIMUM);
          var crossed = crossover.alter(pool, 0).population();
          List<byte[]> children = new ArrayList<>();
          for (Phenotype<AnyGene<Byte>, Crowded> child : crossed) {
            children.add(mutant(child.genotype(), random));
          }
          return children;
        });
  }

  private Phenotype<AnyGene<Byte>, Crowded> phenotype(Crowded survivor) {
    List<AnyGene<Byte>> genes = new ArrayList<>();
    for (byte code : survivor.result().structure().codes()) {
      genes.add(AnyGene.of(code, () -> code));
    }
    return Phenotype.of(
        Genotype.of(AnyChromosome.of(() -> (byte) 0, genes.size()).newInstance(ISeq.of(genes))),
        0,
        survivor);
  }

  // Jenetics' Mutator would draw individuals, chromosomes and genes with the third root of the
  // probability each: few mutants, and those torn to pieces.
  private byte[] mutant(Genotype<AnyGene<Byte>> genotype, SplittableRandom random) {
    byte[] codes = new byte[breeding.space().genes()];
    for (int gene = 0; gene < codes.length; gene++) {
      codes[gene] =
          random.nextDouble() < breeding.settings().mutationProbability()
              ? breeding.space().drawUniform(random, gene)
              : genotype.chromosome().get(gene).allele();
    }
    return codes;
  }
}
