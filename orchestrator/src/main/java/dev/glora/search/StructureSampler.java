package dev.glora.search;

import dev.glora.GloraException;
import dev.glora.data.Derived;
import dev.glora.experiment.SamplingSpec;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Draws the structure of each supernet step, from the step's index alone.
 *
 * <p>The first steps may train the largest structure only, later steps train it with a probability,
 * and every other step draws each gene from its weights. With equal weights for all codes and
 * neither of the two this is the published, uniform sampling.
 */
public final class StructureSampler {
  private static final String PURPOSE = "supernet/structure";

  private final SearchSpace space;
  private final SamplingSpec sampling;
  private final long seed;
  private final byte[] largest;
  private final double[][] cumulative;

  /**
   * Makes a sampler.
   *
   * @param space the space
   * @param sampling how to draw; a tensor without weights is drawn uniformly from its codes
   * @param seed root seed of the run
   */
  public StructureSampler(SearchSpace space, SamplingSpec sampling, long seed) {
    this.space = space;
    this.sampling = sampling;
    this.seed = seed;
    this.largest = space.largest().codes();
    this.cumulative = new double[space.genes()][];
    for (int gene = 0; gene < cumulative.length; gene++) {
      Map<String, Double> weights =
          sampling.weights().get(SearchSpace.tensor(gene).name().charAt(0));
      cumulative[gene] = cumulative(gene, weights);
    }
  }

  private double[] cumulative(int gene, Map<String, Double> weights) {
    double[] sums = new double[space.choices(gene)];
    double total = 0;
    for (int i = 0; i < sums.length; i++) {
      total += weights == null ? 1 : weight(space.choice(gene, i), weights);
      sums[i] = total;
    }
    if (sums.length > 1 && !(total > 0)) {
      throw GloraException.usage(
          "The sampling weights of tensor "
              + SearchSpace.tensor(gene)
              + " are "
              + weights
              + " and leave none of its forms: give one of them a weight above 0.");
    }
    return sums;
  }

  private double weight(byte code, Map<String, Double> weights) {
    if (code < Form.LORA) {
      return weights.getOrDefault(Form.name(code, space.ranks()), 0.0);
    }
    return weights.getOrDefault("lora", 0.0) / space.ranks().size();
  }

  /**
   * Draws a step's structure.
   *
   * @param step step from 0
   * @param codes receives the codes, [sites × 5]
   */
  public void draw(long step, byte[] codes) {
    SplittableRandom random = Derived.random(seed, PURPOSE, step);
    if (step < sampling.largestSteps() || random.nextDouble() < sampling.largestProbability()) {
      System.arraycopy(largest, 0, codes, 0, largest.length);
      return;
    }
    for (int gene = 0; gene < codes.length; gene++) {
      codes[gene] = space.choice(gene, pick(cumulative[gene], random));
    }
  }

  private static int pick(double[] sums, SplittableRandom random) {
    if (sums.length == 1) {
      return 0;
    }
    double at = random.nextDouble() * sums[sums.length - 1];
    int i = 0;
    while (i < sums.length - 1 && at >= sums[i]) {
      i++;
    }
    return i;
  }
}
