package dev.glora.search;

import dev.glora.GloraException;
import dev.glora.data.Derived;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A search whose structures a {@link Policy} proposes.
 *
 * <p>Nothing that it answers is believed: a structure has as many codes as the space has genes,
 * each one of those that its gene may have, and lies within the limits, by the repair of {@code
 * over_limit} or not at all. What was asked before is left out, and the search is over after its
 * last generation or where a policy has nothing new to ask.
 *
 * <p>The policy keeps its own state, so an answer follows from the seed and the results told only
 * if the policy draws from {@code state["seed"]} alone.
 */
public final class PolicyStrategy extends Generational {
  private final Policy policy;

  /**
   * Makes the strategy.
   *
   * @param breeding the space, the limits, the settings, the seed and the start
   * @param policy what proposes; closed with this strategy
   */
  PolicyStrategy(Breeding breeding, Policy policy) {
    super(breeding);
    this.policy = policy;
  }

  @Override
  void make(Brood brood, int generation) {
    List<byte[]> answer = checked(policy.ask(state(generation)));
    List<byte[]> left = new ArrayList<>(answer);
    // One attempt for each structure, so that the repair of one does not depend on the others.
    brood.add("policy", answer.size(), answer.size(), random -> List.of(left.remove(0)));
  }

  @Override
  void breed(Brood brood) {
    throw new IllegalStateException("a policy makes its generations whole");
  }

  @Override
  void learn(List<Result> results) {
    policy.tell(results.stream().map(this::told).toList());
  }

  @Override
  public void close() {
    policy.close();
  }

  private Map<String, Object> state(int generation) {
    SearchSpace space = breeding.space();
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("generation", generation);
    state.put("generations", breeding.settings().generations() + 1);
    state.put("population", breeding.settings().population());
    SplittableRandom seeds = Derived.random(breeding.seed(), "search/policy", generation);
    state.put("seed", seeds.nextLong() >>> 1);
    state.put("ranks", space.ranks());
    List<Object> sites = new ArrayList<>();
    for (Site site : space.sites()) {
      sites.add(Map.of("name", site.name(), "in", site.in(), "out", site.out()));
    }
    state.put("sites", sites);
    List<Object> choices = new ArrayList<>();
    for (int gene = 0; gene < space.genes(); gene++) {
      choices.add(choices(gene));
    }
    state.put("choices", choices);
    state.put("count", breeding.limits().count().name().toLowerCase(Locale.ROOT));
    state.put("min_parameters", breeding.limits().min());
    long max = breeding.limits().max();
    state.put("max_parameters", max == Long.MAX_VALUE ? null : max);
    state.put("start", breeding.start().map(start -> codes(start)).orElse(null));
    state.put("best", best().map(this::told).orElse(null));
    return state;
  }

  private List<Integer> choices(int gene) {
    List<Integer> codes = new ArrayList<>();
    for (int choice = 0; choice < breeding.space().choices(gene); choice++) {
      codes.add((int) breeding.space().choice(gene, choice));
    }
    return codes;
  }

  private Map<String, Object> told(Result result) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("structure", codes(result.structure()));
    told.put("accuracy", result.accuracy());
    told.put("loss", result.loss());
    told.put("parameters", breeding.space().count(result.structure(), breeding.limits().count()));
    told.put("complete", result.complete());
    return told;
  }

  private static List<Integer> codes(Structure structure) {
    List<Integer> codes = new ArrayList<>();
    for (byte code : structure.codes()) {
      codes.add((int) code);
    }
    return codes;
  }

  private List<byte[]> checked(Object answer) {
    int most = breeding.settings().population();
    if (!(answer instanceof List<?> structures)) {
      throw refused("ask returned " + kind(answer) + ", expected a list of structures");
    }
    if (structures.size() > most) {
      throw refused(
          "ask returned "
              + structures.size()
              + " structures, expected at most the population, "
              + most);
    }
    List<byte[]> checked = new ArrayList<>();
    for (int i = 0; i < structures.size(); i++) {
      checked.add(structure(structures.get(i), i));
    }
    return checked;
  }

  private byte[] structure(Object answer, int index) {
    int genes = breeding.space().genes();
    String which = "structure " + index + " of ask's answer ";
    if (!(answer instanceof List<?> codes)) {
      throw refused(which + "is " + kind(answer) + ", expected a list of " + genes + " codes");
    }
    if (codes.size() != genes) {
      throw refused(
          which
              + "has "
              + codes.size()
              + " codes, expected "
              + genes
              + ", five for each of the "
              + breeding.space().sites().size()
              + " sites");
    }
    byte[] checked = new byte[genes];
    for (int gene = 0; gene < genes; gene++) {
      List<Integer> choices = choices(gene);
      if (!(codes.get(gene) instanceof Long code)
          || choices.stream().noneMatch(choice -> choice == code.longValue())) {
        throw refused(
            which
                + "has "
                + kind(codes.get(gene))
                + " for the tensor "
                + SearchSpace.tensor(gene)
                + " of site "
                + breeding.space().site(gene).name()
                + " (index "
                + gene
                + "), expected one of "
                + choices);
      }
      checked[gene] = code.byteValue();
    }
    return checked;
  }

  private GloraException refused(String what) {
    return GloraException.failed(
        "The policy " + policy.name() + " is refused: " + what + "; correct it and run again.");
  }

  /** A value as Python people name it, whatever its size. */
  private static String kind(Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean truth) {
      return truth ? "True" : "False";
    }
    if (value instanceof Number) {
      return value.toString();
    }
    return value instanceof List
        ? "a list"
        : value instanceof Map ? "a dict" : value instanceof String ? "a str" : "bytes";
  }
}
