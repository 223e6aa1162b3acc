package dev.glora.search;

import java.util.List;
import java.util.Optional;

/**
 * A search, driven by ask and tell in whole generations.
 *
 * <p>What is asked is a function of the settings, the seed and the results told so far; a strategy
 * keeps no other state. Telling it the stored results again, generation by generation, brings it to
 * where it was.
 */
public interface Strategy {
  /**
   * The next generation. Asking again before telling gives the same.
   *
   * @return structures that were never asked before; none when the search is over
   */
  List<Proposal> ask();

  /**
   * The results of the generation asked last.
   *
   * @param results one for each proposal, in the same order
   */
  void tell(List<Result> results);

  /**
   * The best result told so far.
   *
   * @return the best one, or nothing before the first generation
   */
  Optional<Result> best();
}
