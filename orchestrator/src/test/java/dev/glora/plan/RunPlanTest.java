package dev.glora.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunPlanTest {
  private static final String YAML =
      """
      version: 1
      name: demo
      model: "local:/models/tiny"
      task: {source: "local:/data/tiny", domain: movies, split: {train: 80, val: 30, test: 60}}
      training: {steps: 100, batch_size: 8, warmup_steps: 1}
      methods: [{method: lora}]
      """;

  @TempDir Path runs;
  private RunStore store;

  @BeforeEach
  void open() {
    store = RunStore.open(runs);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private static PlannedRun run(String code, String... overrides) {
    return new Planner(code)
        .plan(ExperimentReader.parse(YAML, "demo.yaml", List.of(overrides)))
        .get(0);
  }

  private PlanEntry entry(PlannedRun run) {
    return RunPlan.of(Optional.of(store), runs, List.of(run)).get(0);
  }

  private PlannedRun finished(PlannedRun run, double seconds) throws IOException {
    store.upsert(run);
    store.status(run.id(), RunStatus.RUNNING, "");
    store.add(run.id(), "timings.download", 1000);
    store.add(run.id(), "timings.train", seconds);
    store.status(run.id(), RunStatus.FINISHED, "");
    Files.createDirectories(runs.resolve(run.id()));
    return run;
  }

  @Test
  void finishedRunIsDoneUntilItsFolderIsGone() throws IOException {
    PlannedRun run = finished(run("code"), 20);

    assertThat(entry(run).state()).isEqualTo(PlanEntry.State.DONE);
    assertThat(entry(run).estimate().seconds()).hasValue(0);
    Files.delete(runs.resolve(run.id()));
    assertThat(entry(run).state()).isEqualTo(PlanEntry.State.AGAIN);
    assertThat(entry(run).reason()).isEqualTo("done again, its folder is gone");
  }

  @Test
  void runOfOtherCodeIsDoneAgainAndMeasuredByTheOneBefore() throws IOException {
    PlannedRun before = finished(run("old"), 20);

    PlanEntry entry = entry(run("new"));

    assertThat(entry.state()).isEqualTo(PlanEntry.State.AGAIN);
    assertThat(entry.reason()).isEqualTo("changed since " + before.id() + ": glora's code");
    assertThat(entry.estimate().seconds()).hasValue(20);
    assertThat(entry.estimate().basis()).isEqualTo("measured on 1 earlier run");
  }

  @Test
  void equalWorkIsAveragedAndOtherWorkScaled() throws IOException {
    finished(run("code", "seeds=[1]"), 20);
    finished(run("code", "seeds=[2]", "training.learning_rate=0.01"), 30);
    // 800 rows of training, and two times 30 and 60 rows of evaluation at a third each.
    double rows = 800 + 2 * 10 + 20;

    PlanEntry equal = entry(run("code"));
    PlanEntry longer = entry(run("code", "training.steps=200"));

    assertThat(equal.estimate().seconds()).hasValue(25);
    assertThat(equal.estimate().basis()).isEqualTo("measured on 2 earlier runs");
    assertThat(longer.estimate().seconds().getAsDouble())
        .isCloseTo(25 * (rows + 800) / rows, org.assertj.core.data.Offset.offset(1e-9));
    assertThat(longer.estimate().basis()).isEqualTo("scaled from 2 earlier runs of another size");
  }

  @Test
  void runLikeNoOtherIsUnknown() throws IOException {
    finished(run("code"), 20);

    assertThat(entry(run("code", "model=local:/other")).estimate()).isEqualTo(Estimate.UNKNOWN);
    assertThat(entry(run("code", "methods=[{method: head}]")).estimate().words())
        .isEqualTo("unknown");
  }

  @Test
  void interruptedRunGoesOnWithTheTimeThatIsLeft() throws IOException {
    finished(run("code", "seeds=[1]"), 20);
    PlannedRun run = run("code");
    store.upsert(run);
    store.status(run.id(), RunStatus.RUNNING, "");
    store.event(run.id(), "STAGE", "train");
    store.add(run.id(), "timings.train", 15);

    PlanEntry entry = entry(run);

    assertThat(entry.state()).isEqualTo(PlanEntry.State.GOES_ON);
    assertThat(entry.reason()).isEqualTo("goes on at train");
    assertThat(entry.estimate().seconds()).hasValue(5);
  }

  @Test
  void otherVariantIsNotTakenForAnEarlierVersion() throws IOException {
    Path file =
        Files.writeString(runs.resolve("m.yaml"), YAML + "matrix: {training.steps: [9, 8]}");
    List<PlannedRun> plan = new Planner("code").plan(ExperimentReader.read(file, List.of()));
    finished(plan.get(0), 20);

    assertThat(entry(plan.get(1)).reason()).isEqualTo("new");
  }

  @Test
  void documentAddsUpWhatIsKnown() throws IOException {
    finished(run("code", "seeds=[1]"), 20);
    List<PlannedRun> plan = List.of(run("code"), run("code", "model=local:/other"));

    JsonNode document = RunPlan.document(RunPlan.of(Optional.of(store), runs, plan));

    assertThat(document.path("seconds").doubleValue()).isEqualTo(20);
    assertThat(document.path("unknown").intValue()).isEqualTo(1);
    assertThat(document.path("counts").path("to do").intValue()).isEqualTo(2);
  }
}
