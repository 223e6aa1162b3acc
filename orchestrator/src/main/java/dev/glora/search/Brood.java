package dev.glora.search;

import dev.glora.data.Derived;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A generation in the making: takes children, brings them within the limits, and leaves out what
 * was asked before.
 *
 * <p>Each attempt has a generator of its own, derived from the seed, the children's origin, the
 * generation and the number of the attempt.
 */
final class Brood {
  /** One way to make children, tried with a generator of its own at each attempt. */
  @FunctionalInterface
  interface Breeder {
    List<byte[]> children(SplittableRandom random);
  }

  private final Breeding breeding;
  private final Set<Structure> asked;
  private final int generation;
  private final Set<Structure> own = new HashSet<>();
  private final List<Proposal> proposals = new ArrayList<>();

  Brood(Breeding breeding, Set<Structure> asked, int generation) {
    this.breeding = breeding;
    this.asked = asked;
    this.generation = generation;
  }

  List<Proposal> proposals() {
    return List.copyOf(proposals);
  }

  int size() {
    return proposals.size();
  }

  /** Adds a structure as it is, unless it was asked before or breaks the limits. */
  boolean add(Structure structure, String origin) {
    Structure canonical = structure.canonical(breeding.space());
    if (!breeding.limits().allow(canonical) || asked.contains(canonical) || !own.add(canonical)) {
      return false;
    }
    return proposals.add(new Proposal(canonical, origin));
  }

  /**
   * Adds children.
   *
   * @param origin what they are
   * @param wanted how many are wanted
   * @param attempts how often the breeder is called at most
   * @param breeder makes one or more children at a call
   */
  void add(String origin, int wanted, int attempts, Breeder breeder) {
    int found = 0;
    for (int attempt = 0; attempt < attempts && found < wanted; attempt++) {
      SplittableRandom random =
          Derived.random(breeding.seed(), "search/" + origin + "/" + generation, attempt);
      for (byte[] codes : breeder.children(random)) {
        if (found < wanted && add(within(codes, random), origin)) {
          found++;
        }
      }
    }
  }

  private Structure within(byte[] codes, SplittableRandom random) {
    if (breeding.settings().overLimit().equals("repair")) {
      breeding.limits().repair(codes, random);
    }
    return new Structure(codes);
  }

  /** Draws what is missing of a size. */
  void fill(int size) {
    int missing = size - proposals.size();
    add(
        "random",
        missing,
        breeding.settings().attempts() * missing,
        random -> List.of(breeding.limits().draw(random).codes()));
  }
}
