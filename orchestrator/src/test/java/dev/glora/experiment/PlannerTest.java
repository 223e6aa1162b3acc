package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlannerTest {
  private static final Planner PLANNER = new Planner("code");

  private static PlannedRun glora(String... overrides) {
    return PLANNER.plan(ExperimentReaderTest.quickstart(overrides)).get(2);
  }

  @Test
  void runsAreTheMethodsForEachSeed() {
    List<PlannedRun> runs = PLANNER.plan(ExperimentReaderTest.quickstart());

    assertThat(runs)
        .extracting(run -> run.method().label() + "/" + run.seed())
        .containsExactly("head/0", "lora/0", "glora/0", "head/1", "lora/1", "glora/1");
    assertThat(runs).extracting(PlannedRun::key).doesNotHaveDuplicates();
    assertThat(runs.get(2).id())
        .isEqualTo("quickstart-glora-s0-" + runs.get(2).key().substring(0, 8));
  }

  /**
   * The key of one experiment, pinned: a stored run must be found again by another JDK, another
   * locale and a later version of this code. A change of it re-runs everybody's experiments, so it
   * has to be meant (a new key, a new default) and noted in the changelog.
   */
  @Test
  void keyStaysWhatItWas() {
    assertThat(glora().key())
        .isEqualTo("d7367b05b60250952cefe8c3b997fe30c472ead1c2f692725219b8f12c52a854");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "methods.0.learning_rates=[0.5]",
        "methods.1.rank=8",
        "methods.1={method: head, label: other}",
        "seeds=[0,5,6]",
        "training.steps=200",
        "methods.2.search.mutation_probability=0.20",
        "runtime.precision=float32",
        "training.accumulate=1",
        "methods.2.finetune.gradient_checkpointing=false",
        "methods.2.training={steps: 200}"
      })
  void whatDoesNotConcernTheRunLeavesItsKey(String override) {
    assertThat(glora(override).key()).isEqualTo(glora().key());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "name=other",
        "runtime.threads=1",
        "runtime.device=auto",
        "runtime.precision=autocast",
        "training.accumulate=2",
        "methods.2.finetune.gradient_checkpointing=true",
        "model='local:/m'",
        "task.split.seed=18",
        "training.steps=201",
        "methods.2.label=mine",
        "methods.2.ranks=[1]",
        "methods.2.search.generations=19",
        "methods.2.finetune.steps=81",
        "methods.2.primary=inherit",
        "seeds=[1]"
      })
  void whatConcernsTheRunChangesItsKey(String override) {
    assertThat(glora(override).key()).isNotEqualTo(glora().key());
  }

  @Test
  void codeChangesTheKey() {
    PlannedRun other = new Planner("other").plan(ExperimentReaderTest.quickstart()).get(2);

    assertThat(other.key()).isNotEqualTo(glora().key());
  }

  @Test
  void storedRunIsPlannedAgainAsItWas() {
    for (PlannedRun run : PLANNER.plan(ExperimentReaderTest.quickstart())) {
      PlannedRun again = PLANNER.replan(run.resolved());

      assertThat(again.id()).isEqualTo(run.id());
      assertThat(again.key()).isEqualTo(run.key());
      assertThat(again.method()).isEqualTo(run.method());
      assertThat(again.seed()).isEqualTo(run.seed());
    }
  }
}
