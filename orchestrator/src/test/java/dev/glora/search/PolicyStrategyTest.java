package dev.glora.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyStrategyTest {
  private static final SearchSpace SPACE = Spaces.odd();
  private static final long MAX = 40;

  /** A policy in Java, which notes what it is given. */
  private static final class Noted implements Policy {
    final List<Map<String, Object>> states = new ArrayList<>();
    final List<List<Map<String, Object>>> results = new ArrayList<>();
    private final Function<Map<String, Object>, Object> answer;
    boolean closed;

    Noted(Function<Map<String, Object>, Object> answer) {
      this.answer = answer;
    }

    @Override
    public Object ask(Map<String, Object> state) {
      states.add(state);
      return answer.apply(state);
    }

    @Override
    public void tell(List<Map<String, Object>> told) {
      results.add(told);
    }

    @Override
    public String name() {
      return "noted.py";
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static Strategy strategy(Policy policy, String settings) {
    return Strategy.ofPolicy(
        SPACE,
        new Limits(SPACE, ParameterCount.FOLDED, null, MAX),
        Spaces.search(settings),
        7,
        Optional.empty(),
        policy);
  }

  private static Strategy strategy(Function<Map<String, Object>, Object> answer) {
    return strategy(new Noted(answer), "{'population': 4, 'generations': 2}");
  }

  /** Codes as they come from Python. */
  private static List<Object> codes(Structure structure) {
    List<Object> codes = new ArrayList<>();
    for (byte code : structure.codes()) {
      codes.add((long) code);
    }
    return codes;
  }

  private static Object draw(Map<String, Object> state) {
    SplittableRandom random = new SplittableRandom((Long) state.get("seed"));
    List<Object> structures = new ArrayList<>();
    for (int i = 0; i < (Integer) state.get("population"); i++) {
      structures.add(codes(Spaces.random(SPACE, random)));
    }
    return structures;
  }

  @Test
  void everyStructureThatIsAskedIsWithinTheLimits() {
    Noted policy = new Noted(PolicyStrategyTest::draw);
    Strategy strategy = strategy(policy, "{'population': 30, 'generations': 4}");
    Limits limits = new Limits(SPACE, ParameterCount.FOLDED, null, MAX);

    List<List<Proposal>> generations = Spaces.run(strategy, Spaces::score);

    assertThat(generations).hasSize(5);
    assertThat(generations.stream().flatMap(List::stream))
        .hasSizeGreaterThan(100)
        .allMatch(proposal -> SPACE.contains(proposal.structure()))
        .allMatch(proposal -> limits.allow(proposal.structure()))
        .allMatch(proposal -> proposal.origin().equals("policy"))
        .doesNotHaveDuplicates();
    assertThat(policy.states).hasSize(5);
    assertThat(policy.states).extracting(state -> state.get("seed")).doesNotHaveDuplicates();
    assertThat(policy.results.get(0)).hasSize(generations.get(0).size());
    strategy.close();
    assertThat(policy.closed).isTrue();
  }

  @Test
  void theSameSeedAsksTheSame() {
    List<List<Proposal>> first = Spaces.run(strategy(PolicyStrategyTest::draw), Spaces::score);
    assertThat(Spaces.run(strategy(PolicyStrategyTest::draw), Spaces::score)).isEqualTo(first);
  }

  @Test
  void whatIsOutsideTheLimitsIsDroppedWhereTheSettingsSaySo() {
    Function<Map<String, Object>, Object> largest = state -> List.of(codes(SPACE.largest()));
    String drop = "{'population': 4, 'generations': 2, 'over_limit': 'drop'}";
    assertThat(strategy(new Noted(largest), drop).ask()).isEmpty();
    assertThat(strategy(largest).ask()).hasSize(1);
  }

  @Test
  void whatWasAskedBeforeIsLeftOutAndThenTheSearchIsOver() {
    Structure small = new Structure(new byte[SPACE.genes()]);
    Strategy strategy = strategy(state -> List.of(codes(small), codes(small)));
    List<List<Proposal>> generations = Spaces.run(strategy, Spaces::score);
    assertThat(generations).hasSize(1);
    assertThat(generations.get(0)).hasSize(1);
    assertThat(strategy.best().orElseThrow().structure()).isEqualTo(small);
  }

  @Test
  void anEmptyAnswerEndsTheSearch() {
    assertThat(strategy(state -> List.of()).ask()).isEmpty();
  }

  @Test
  void resultsSayWhatTheyAreOf() {
    Noted policy = new Noted(PolicyStrategyTest::draw);
    Strategy strategy = strategy(policy, "{'population': 3, 'generations': 1}");
    List<Proposal> asked = strategy.ask();
    strategy.tell(asked.stream().map(p -> Spaces.score(p.structure())).toList());
    Map<String, Object> told = policy.results.get(0).get(1);
    Structure structure = asked.get(1).structure();
    assertThat(told)
        .containsEntry("accuracy", Spaces.score(structure).accuracy())
        .containsEntry("complete", true)
        .containsEntry("parameters", SPACE.count(structure, ParameterCount.FOLDED));
    strategy.ask();
    assertThat(policy.states.get(1).get("best")).isIn(policy.results.get(0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "None, expected a list of structures",
        "a str, expected a list of structures",
        "5 structures, expected at most the population, 4",
        "structure 0 of ask's answer is 7, expected a list of 20 codes",
        "structure 1 of ask's answer has 19 codes, expected 20, five for each of the 4 sites",
        "has 2.0 for the tensor A of site a (index 0), expected one of [0, 1, 2, 3, 4, 5]",
        "has 9 for the tensor B of site d (index 16), expected one of [0, 1, 2, 3, 4, 5]",
        "has 1 for the tensor E of site c (index 14), expected one of [0]",
        "has True for the tensor A of site a (index 0)",
        "has 256 for the tensor A of site a (index 0)",
      })
  void wrongAnswersAreRefusedInOneSentence(String sentence) {
    List<Object> right = codes(new Structure(new byte[SPACE.genes()]));
    Object answer = wrong(sentence, right);
    assertThatThrownBy(() -> strategy(state -> answer).ask())
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("The policy noted.py is refused")
        .hasMessageContaining(sentence)
        .extracting(e -> ((GloraException) e).code())
        .isEqualTo(ExitCode.FAILED);
  }

  private static Object wrong(String sentence, List<Object> right) {
    if (sentence.startsWith("None")) {
      return null;
    }
    if (sentence.startsWith("a str")) {
      return "structures";
    }
    if (sentence.startsWith("5 ")) {
      return List.of(right, right, right, right, right);
    }
    if (sentence.contains("is 7")) {
      return List.of(7L);
    }
    if (sentence.contains("19 codes")) {
      return List.of(right, right.subList(1, right.size()));
    }
    List<Object> codes = new ArrayList<>(right);
    int gene = Integer.parseInt(sentence.replaceAll(".*\\(index (\\d+)\\).*", "$1"));
    String value = sentence.replaceAll("has (\\S+) .*", "$1");
    codes.set(
        gene,
        value.equals("True")
            ? (Object) true
            : value.contains(".") ? (Object) Double.valueOf(value) : (Object) Long.valueOf(value));
    return Arrays.asList((Object) codes);
  }
}
