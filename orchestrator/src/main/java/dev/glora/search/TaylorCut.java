package dev.glora.search;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts the largest structure down to the limit by a first-order score.
 *
 * <p>The score of a slice θ is {@code |⟨θ, ∂loss/∂θ⟩|}, summed over batches: by how much the loss
 * would move, to first order, if the slice were set to zero. Since a smaller rank is the leading
 * part of a larger one, what can be had of A and B are prefixes of their rank columns; C, D and E
 * are had whole, and where they are counted folded they are had together, for the price of one
 * bias.
 *
 * <p>Greedy: from the cheapest structure, the step with the most score per parameter that still
 * fits is taken until none fits. Looking at every longer prefix, not just the next column, keeps a
 * strong column from hiding behind a weak one. Equal ratios go to the lower site, tensor and code.
 */
public final class TaylorCut {
  /** One thing that can be enlarged: a tensor, or the bias tensors of a site together. */
  private static final class Ladder {
    private final int[] genes;
    private final List<byte[]> codes = new ArrayList<>();
    private final List<Long> costs = new ArrayList<>();
    private final List<Double> gains = new ArrayList<>();
    private int level;

    private Ladder(int... genes) {
      this.genes = genes;
    }

    private void add(byte[] levelCodes, long cost, double gain) {
      codes.add(levelCodes);
      costs.add(cost);
      gains.add(gain);
    }
  }

  private final SearchSpace space;
  private final double[] scores;
  private final int columns;

  /**
   * Takes the scores of the largest structure.
   *
   * @param space the space
   * @param scores [sites, 5, columns]: for A and B in LoRA form one score per rank column, else the
   *     tensor's score in column 0
   * @param columns greatest rank, at least 1
   */
  public TaylorCut(SearchSpace space, double[] scores, int columns) {
    if (scores.length != space.genes() * columns) {
      throw new IllegalArgumentException(
          scores.length + " scores for " + space.genes() + " genes × " + columns + " columns");
    }
    this.space = space;
    this.scores = scores.clone();
    this.columns = columns;
  }

  /**
   * Cuts.
   *
   * @param limits the limit to meet; only its greatest number matters here
   * @return the structure
   */
  public Structure cut(Limits limits) {
    List<Ladder> ladders = ladders(limits.count());
    byte[] codes = new byte[space.genes()];
    for (Ladder ladder : ladders) {
      apply(ladder, codes);
    }
    long total = space.count(codes, limits.count());
    while (true) {
      Ladder best = null;
      int bestLevel = 0;
      double bestRatio = 0;
      for (Ladder ladder : ladders) {
        long cost = ladder.costs.get(ladder.level);
        double gain = ladder.gains.get(ladder.level);
        for (int level = ladder.level + 1; level < ladder.codes.size(); level++) {
          long more = ladder.costs.get(level) - cost;
          double ratio = (ladder.gains.get(level) - gain) / more;
          if (more <= limits.max() - total && ratio > bestRatio) {
            best = ladder;
            bestLevel = level;
            bestRatio = ratio;
          }
        }
      }
      if (best == null) {
        return new Structure(codes);
      }
      total += best.costs.get(bestLevel) - best.costs.get(best.level);
      best.level = bestLevel;
      apply(best, codes);
    }
  }

  private static void apply(Ladder ladder, byte[] codes) {
    byte[] chosen = ladder.codes.get(ladder.level);
    for (int i = 0; i < chosen.length; i++) {
      codes[ladder.genes[i]] = chosen[i];
    }
  }

  private List<Ladder> ladders(ParameterCount count) {
    List<Ladder> result = new ArrayList<>();
    for (int s = 0; s < space.sites().size(); s++) {
      int first = s * SupportTensor.COUNT;
      result.add(single(first));
      result.add(single(first + 1));
      if (count == ParameterCount.FOLDED) {
        result.add(bias(first + 2, space.sites().get(s).out()));
      } else {
        for (int t = 2; t < SupportTensor.COUNT; t++) {
          result.add(single(first + t));
        }
      }
    }
    return result;
  }

  /** The cheapest code, then the forms of the largest one's family in ascending size. */
  private Ladder single(int gene) {
    Ladder ladder = new Ladder(gene);
    byte base = space.cheapest(gene);
    byte largest = space.choice(gene, space.choices(gene) - 1);
    ladder.add(new byte[] {base}, space.cost(gene, base), gain(gene, base, largest));
    for (int i = 0; i < space.choices(gene); i++) {
      byte code = space.choice(gene, i);
      boolean family = code == largest || (code >= Form.LORA && largest >= Form.LORA);
      boolean prompt = SearchSpace.tensor(gene) == SupportTensor.C;
      if (family && code != base && (code == largest || !prompt)) {
        ladder.add(new byte[] {code}, space.cost(gene, code), gain(gene, code, largest));
      }
    }
    return ladder;
  }

  private Ladder bias(int first, int out) {
    Ladder ladder = new Ladder(first, first + 1, first + 2);
    byte[] base = {space.cheapest(first), space.cheapest(first + 1), space.cheapest(first + 2)};
    byte[] all = new byte[base.length];
    double gain = 0;
    for (int i = 0; i < all.length; i++) {
      all[i] = space.choice(first + i, space.choices(first + i) - 1);
      gain += gain(first + i, all[i], all[i]);
    }
    if ((base[0] | base[1] | base[2]) != Form.NONE) {
      // The bias is there whatever is chosen, so all of it is free.
      ladder.add(all, out, gain);
      return ladder;
    }
    ladder.add(base, 0, 0);
    if ((all[0] | all[1] | all[2]) != Form.NONE) {
      ladder.add(all, out, gain);
    }
    return ladder;
  }

  /**
   * What of the largest form's score a code keeps: 0 for another family, whose score is unknown.
   */
  private double gain(int gene, byte code, byte largest) {
    if (code == Form.NONE || (code < Form.LORA && code != largest)) {
      return 0;
    }
    boolean weight = gene % SupportTensor.COUNT < SupportTensor.C.index();
    int kept = code >= Form.LORA && weight ? space.ranks().get(code - Form.LORA) : 1;
    double sum = 0;
    for (int k = 0; k < kept; k++) {
      sum += scores[gene * columns + k];
    }
    return sum;
  }
}
