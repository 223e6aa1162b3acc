package dev.glora.search;

import dev.glora.GloraException;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The limits on a structure's parameters, and the ways to meet them.
 *
 * <p>Limits are met by repair, not by drawing until something fits: a structure that is too large
 * loses forms in random order until it fits, one that is too small gains them. Each pass changes
 * the count strictly or ends, so no limit can make this loop forever.
 */
public final class Limits {
  private static final int ATTEMPTS = 100;

  private final SearchSpace space;
  private final ParameterCount count;
  private final long min;
  private final long max;

  /**
   * Makes limits and refuses those that no structure can meet.
   *
   * @param space the space
   * @param count how parameters are counted
   * @param min least number of parameters, or null
   * @param max greatest number of parameters, or null
   */
  public Limits(SearchSpace space, ParameterCount count, Long min, Long max) {
    this.space = space;
    this.count = count;
    this.min = min == null ? 0 : min;
    this.max = max == null ? Long.MAX_VALUE : max;
    SearchSpace.Range range = space.range(count);
    if (this.min > this.max || this.max < range.min() || this.min > range.max()) {
      throw GloraException.usage(
          String.format(
              Locale.ROOT,
              "No structure has %s %s parameters: this space reaches from %d to %d, so set"
                  + " min_parameters and max_parameters to meet that range.",
              max == null ? "at least " + min : (min == null ? 0 : min) + " to " + max,
              count.name().toLowerCase(Locale.ROOT),
              range.min(),
              range.max()));
    }
  }

  /**
   * How parameters are counted.
   *
   * @return the way of counting
   */
  public ParameterCount count() {
    return count;
  }

  /**
   * The least number of parameters.
   *
   * @return the limit, 0 where there is none
   */
  public long min() {
    return min;
  }

  /**
   * The greatest number of parameters.
   *
   * @return the limit, {@link Long#MAX_VALUE} where there is none
   */
  public long max() {
    return max;
  }

  /**
   * Whether a structure meets the limits.
   *
   * @param structure a structure of the space
   * @return true if its count lies between them
   */
  public boolean allow(Structure structure) {
    return allow(structure.codes());
  }

  boolean allow(byte[] codes) {
    long total = space.count(codes, count);
    return total >= min && total <= max;
  }

  /**
   * Draws a structure that meets the limits: each gene uniformly, then repaired.
   *
   * @param random source of randomness
   * @return a structure
   */
  public Structure draw(SplittableRandom random) {
    byte[] codes = new byte[space.genes()];
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      space.drawUniform(random, codes);
      if (repair(codes, random)) {
        return new Structure(codes);
      }
    }
    throw GloraException.usage(
        "No structure was found with "
            + min
            + " to "
            + max
            + " parameters in "
            + ATTEMPTS
            + " attempts: the two limits are too close to each other, set them further apart.");
  }

  /**
   * Brings a structure within the limits with as little randomness as it takes.
   *
   * @param structure a structure of the space
   * @param random source of randomness
   * @return the structure itself where it fits, a changed one, or nothing where the repair failed
   */
  public Optional<Structure> repair(Structure structure, SplittableRandom random) {
    byte[] codes = structure.codes();
    return repair(codes, random) ? Optional.of(new Structure(codes)) : Optional.empty();
  }

  boolean repair(byte[] codes, SplittableRandom random) {
    shrink(codes, random);
    grow(codes, random, min);
    return allow(codes);
  }

  /** Lowers genes in random order, each to a random cheaper code, until the count is within max. */
  void shrink(byte[] codes, SplittableRandom random) {
    long total = space.count(codes, count);
    for (boolean changed = true; total > max && changed; ) {
      changed = false;
      for (int gene : order(random)) {
        if (total <= max) {
          break;
        }
        int site = gene / SupportTensor.COUNT;
        long before = space.siteCount(codes, site, count);
        var cheaper = space.alternatives(codes, gene, count, Long.MIN_VALUE, -1);
        if (!cheaper.isEmpty()) {
          codes[gene] = cheaper.get(random.nextInt(cheaper.size()));
        } else if (gene % SupportTensor.COUNT >= SupportTensor.C.index()) {
          // Of a folded bias no single tensor can be saved while another one is active.
          dropBias(codes, site);
        }
        long after = space.siteCount(codes, site, count);
        changed |= after < before;
        total += after - before;
      }
    }
  }

  private void dropBias(byte[] codes, int site) {
    int first = site * SupportTensor.COUNT;
    long before = space.siteCount(codes, site, count);
    byte[] kept = {codes[first + 2], codes[first + 3], codes[first + 4]};
    for (int t = 2; t < SupportTensor.COUNT; t++) {
      codes[first + t] = space.cheapest(first + t);
    }
    if (space.siteCount(codes, site, count) >= before) {
      System.arraycopy(kept, 0, codes, first + 2, kept.length);
    }
  }

  /**
   * Raises genes in random order, each to a random costlier code that keeps the count within max,
   * until the count reaches a target or nothing fits any more.
   */
  void grow(byte[] codes, SplittableRandom random, long target) {
    long total = space.count(codes, count);
    for (boolean changed = true; total < target && changed; ) {
      changed = false;
      for (int gene : order(random)) {
        if (total >= target) {
          break;
        }
        var costlier = space.alternatives(codes, gene, count, 1, max - total);
        if (!costlier.isEmpty()) {
          int site = gene / SupportTensor.COUNT;
          long before = space.siteCount(codes, site, count);
          codes[gene] = costlier.get(random.nextInt(costlier.size()));
          total += space.siteCount(codes, site, count) - before;
          changed = true;
        }
      }
    }
  }

  /**
   * One exchange at the budget's edge: a gene is lowered, another one takes the room as far as it
   * can.
   *
   * @param codes a structure within the limits; changed in place, or left as it is where the
   *     lowered gene's room suits no other gene
   * @param random source of randomness
   */
  void swap(byte[] codes, SplittableRandom random) {
    byte[] before = codes.clone();
    int lowered = pick(codes, random, Long.MIN_VALUE, -1, -1);
    if (lowered < 0) {
      return;
    }
    var cheaper = space.alternatives(codes, lowered, count, Long.MIN_VALUE, -1);
    codes[lowered] = cheaper.get(random.nextInt(cheaper.size()));
    long room = max - space.count(codes, count);
    int raised = pick(codes, random, 1, room, lowered);
    if (raised >= 0) {
      var costlier = space.alternatives(codes, raised, count, 1, room);
      codes[raised] = costlier.get(costlier.size() - 1);
    }
    if (raised < 0 || !allow(codes)) {
      System.arraycopy(before, 0, codes, 0, codes.length);
    }
  }

  private int pick(byte[] codes, SplittableRandom random, long least, long most, int except) {
    for (int gene : order(random)) {
      if (gene != except && !space.alternatives(codes, gene, count, least, most).isEmpty()) {
        return gene;
      }
    }
    return -1;
  }

  private int[] order(SplittableRandom random) {
    int[] genes = new int[space.genes()];
    for (int i = 0; i < genes.length; i++) {
      int j = random.nextInt(i + 1);
      genes[i] = genes[j];
      genes[j] = i;
    }
    return genes;
  }
}
