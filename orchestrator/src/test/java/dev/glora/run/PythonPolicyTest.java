package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import dev.glora.experiment.PolicySpec;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Policies where they run: in GraalPy's sandbox in a process of its own. */
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PythonPolicyTest {
  private static final String TELL = "def tell(results):\n  pass\n";

  private static PythonPolicy policy(String source) {
    return new PythonPolicy(new PolicySpec("mine.py", source, 60, 512));
  }

  private static Map<String, Object> state(long seed) {
    Map<String, Object> state = new HashMap<>();
    state.put("seed", seed);
    state.put("population", 4);
    state.put("choices", List.of(List.of(0, 1, 2), List.of(0), List.of(0, 2, 3)));
    return state;
  }

  private static Map<String, Object> result(Object structure, double accuracy) {
    return Map.of("structure", structure, "accuracy", accuracy, "complete", true);
  }

  /** The documented example climbs: what it asks next differs little from the best it was told. */
  @Test
  void theExampleClimbsAndRepeatsExactly() throws IOException {
    String source = Files.readString(Tiny.ROOT.resolve("experiments/policies/climb.py"));
    List<Object> answers = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      try (PythonPolicy policy = new PythonPolicy(new PolicySpec("climb.py", source, 60, 512))) {
        List<?> first = (List<?>) policy.ask(state(5));
        assertThat(first).hasSize(4);
        policy.tell(List.of(result(first.get(0), 0.5), result(first.get(1), 0.9)));
        Object second = policy.ask(state(6));
        assertThat((List<?>) second).hasSize(4).isNotEqualTo(first);
        answers.add(List.of(first, second));
      }
    }
    assertThat(answers.get(1)).isEqualTo(answers.get(0));
  }

  @Test
  void errorsNameTheFileAndTheLineAndFilesAreOutOfReach() {
    String source =
        TELL
            + "def ask(state):\n"
            + "  if state['seed'] == 1:\n    return state['nothing']\n"
            + "  return open('%s').read()\n".formatted(Tiny.ROOT.resolve("README.md"));
    try (PythonPolicy policy = policy(source)) {
      assertThatThrownBy(() -> policy.ask(state(1)))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("The policy mine.py failed in ask, line 5: KeyError: 'nothing'");
      assertThatThrownBy(() -> policy.ask(state(2)))
          .hasMessageContaining("in ask, line 6: PermissionError");
      policy.tell(List.of()); // It lives.
    }
  }

  @Test
  void textThatIsNoPythonNamesTheLine() {
    try (PythonPolicy policy = policy("def ask(state):\n  return (\n")) {
      assertThatThrownBy(() -> policy.ask(state(1)))
          .hasMessageContaining("SyntaxError")
          .hasMessageContaining("mine.py, line 2");
    }
  }

  @Test
  void anEndlessPolicyIsStopped() {
    PolicySpec endless =
        new PolicySpec(
            "mine.py",
            TELL + "import itertools\ndef ask(state):\n  return sum(itertools.count())\n",
            2,
            512);
    try (PythonPolicy policy = new PythonPolicy(endless)) {
      assertThatThrownBy(() -> policy.ask(state(1)))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("stopped in ask at its time limit of 2 s");
    }
  }

  @Test
  void aMemoryBombIsStopped() {
    String bomb = "def ask(state):\n  kept = []\n  while True:\n    kept.append([0] * 100000)\n";
    try (PythonPolicy policy = policy(TELL + bomb)) {
      assertThatThrownBy(() -> policy.ask(state(1)))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("with at most 512 MiB to use");
    }
  }
}
