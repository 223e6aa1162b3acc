package dev.glora.search;

import java.util.List;
import java.util.Optional;

/**
 * Random search, the yardstick of every other strategy: as many structures within the limits as an
 * evolution of the same settings evaluates. A proposal has to beat the best one so far.
 */
final class RandomSearch extends Generational {
  RandomSearch(Breeding breeding) {
    super(breeding);
  }

  @Override
  void breed(Brood brood) {
    // All of a generation is the random structures that fill it.
  }

  @Override
  void learn(List<Result> results) {
    // Nothing that was told changes what is drawn.
  }

  @Override
  public Optional<Structure> rival(Proposal proposal) {
    return best().map(Result::structure);
  }
}
