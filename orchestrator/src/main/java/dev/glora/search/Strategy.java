package dev.glora.search;

import dev.glora.experiment.SearchSpec;
import java.util.List;
import java.util.Optional;

/**
 * A search, driven by ask and tell in whole generations.
 *
 * <p>What is asked is a function of the settings, the seed and the results told so far; a strategy
 * keeps no other state. Telling it the stored results again, generation by generation, brings it to
 * where it was, bit for bit, whatever the order in which the structures of a generation were
 * evaluated.
 *
 * <p>Every structure that is asked keeps the limits: a strategy brings its children within by
 * repair, and what it lacks is drawn within (see {@link Limits}). One that takes its proposals from
 * elsewhere does the same with {@link Brood}.
 */
public interface Strategy extends AutoCloseable {
  /**
   * Makes the strategy that the settings name, but for {@code none}, which searches nothing, and
   * {@code policy} (see {@link #ofPolicy}).
   *
   * @param space the space
   * @param limits limits on the parameters
   * @param settings its constants
   * @param seed root seed of the run
   * @param start the cut to start from, or nothing for a random start
   * @return a strategy that was told nothing
   */
  static Strategy of(
      SearchSpace space, Limits limits, SearchSpec settings, long seed, Optional<Structure> start) {
    Breeding breeding = new Breeding(space, limits, settings, seed, start);
    return switch (settings.strategy()) {
      case "evolution" -> new Evolution(breeding);
      case "nsga2" -> new Nsga2(breeding);
      case "regularized-evolution" -> new RegularizedEvolution(breeding);
      case "random" -> new RandomSearch(breeding);
      default -> throw new IllegalArgumentException("no strategy is named " + settings.strategy());
    };
  }

  /**
   * Makes the strategy whose structures a policy proposes.
   *
   * @param space the space
   * @param limits limits on the parameters
   * @param settings how many structures and generations, and what becomes of one outside the limits
   * @param seed root seed of the run
   * @param start the cut to start from, or nothing for a random start
   * @param policy what proposes; closed with the strategy
   * @return a strategy that was told nothing
   */
  static Strategy ofPolicy(
      SearchSpace space,
      Limits limits,
      SearchSpec settings,
      long seed,
      Optional<Structure> start,
      Policy policy) {
    return new PolicyStrategy(new Breeding(space, limits, settings, seed, start), policy);
  }

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
   * The best complete result told so far.
   *
   * @return the best one, or nothing before the first generation
   */
  Optional<Result> best();

  /**
   * The complete results of which no other one is better in all that the strategy optimises.
   *
   * @return results by ascending parameters; of a strategy with one objective the best one alone
   */
  default List<Result> front() {
    return best().stream().toList();
  }

  /**
   * The structure that a proposal has to beat: the last of those that would keep it from being of
   * any use to this search if it is worse than that one. It follows from the results told and not
   * from those of the proposal's own generation, so racing does not depend on the order in which a
   * generation is evaluated.
   *
   * @param proposal one of the structures asked last
   * @return a structure with a complete result, or nothing where the proposal must be evaluated to
   *     its end
   */
  default Optional<Structure> rival(Proposal proposal) {
    return Optional.empty();
  }

  /**
   * The greatest number of evaluations that this search may ask for.
   *
   * @return structures of all its generations
   */
  long evaluations();

  /** Gives back what the strategy holds beside its memory: a policy's process. */
  @Override
  default void close() {}
}
