package dev.glora.run;

import static dev.glora.api.AnswerSchema.checked;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.Json;
import dev.glora.api.Answer;
import dev.glora.api.Glora;
import dev.glora.store.FinalRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Running again, with real trainings of the tiny model, through the Java API. */
class ReproduceTest {
  @TempDir Path folder;

  private Glora glora(String runs) {
    return Tiny.glora(folder, runs).build();
  }

  @Test
  void finishedRunIsReproducedHereAndFromABundleAndADifferenceIsTold() throws Exception {
    Path material = Tiny.write(folder.resolve("material"));
    String model = "\"local:" + material.resolve("model") + "\"";
    Path file =
        Files.writeString(
            folder.resolve("tiny.yaml"), Tiny.searchOnly(Tiny.yaml(model, material, 6, 10, 3, 3)));

    Answer ran = checked("run", glora("runs").run(file));
    assertThat(ran.code()).isEqualTo(ExitCode.DONE);
    String run = ran.at("/runs/0/run").asText();
    Answer again = checked("reproduce", glora("runs").reproduce(run, 0.02));

    assertThat(again.code()).isEqualTo(ExitCode.DONE);
    assertThat(again.at("/same_fingerprint").asBoolean()).isTrue();
    assertThat(again.at("/digests")).isEmpty();
    assertThat(again.at("/metrics")).isNotEmpty().allMatch(each -> each.path("fits").asBoolean());

    // On a machine that has neither the data nor the model.
    Path bundle = folder.resolve("run.glora");
    glora("runs").bundle(run, bundle, false);
    Files.move(material, folder.resolve("gone"));
    glora("elsewhere").importBundle(bundle);
    Answer there = glora("elsewhere").reproduce(run, 0.02);

    assertThat(there.text())
        .startsWith("The run " + run + " is reproduced in the same environment");
    assertThat(there.at("/digests")).isEmpty();

    spoil(run);
    Answer differs = checked("reproduce", glora("elsewhere").reproduce(run, 0.02));

    assertThat(differs.code()).isEqualTo(ExitCode.DIFFERS);
    assertThat(differs.at("/reproduced").asBoolean()).isFalse();
    assertThat(differs.text()).contains("was repeated and differs");

    anotherEnvironment(run);
    Answer across = checked("reproduce", glora("elsewhere").reproduce(run, 1.0));

    assertThat(across.at("/same_fingerprint").asBoolean()).isFalse();
    assertThat(across.at("/reproduced").asBoolean()).isTrue();
    assertThat(across.at("/tolerance").doubleValue()).isEqualTo(1.0);
    assertThat(glora("elsewhere").reproduce(run, 0).code()).isEqualTo(ExitCode.DIFFERS);

    try (RunStore store = RunStore.open(folder.resolve("elsewhere"))) {
      assertThat(store.events(run))
          .extracting(event -> event.kind())
          .contains("IMPORTED", "REPRODUCED", "DIFFERS");
      store.status(run, RunStatus.INTERRUPTED, "");
    }
    assertThatThrownBy(() -> glora("elsewhere").reproduce(run, 0.02))
        .hasMessageContaining("is not finished, so there is nothing to compare with");
  }

  /** What memory that ran out led to is part of the environment, and of its repetition. */
  @Test
  void microBatchesAreTakenOver() throws Exception {
    Path material = Tiny.write(folder.resolve("material"));
    String model = "\"local:" + material.resolve("model") + "\"";
    Path file =
        Files.writeString(folder.resolve("tiny.yaml"), Tiny.yaml(model, material, 6, 10, 3, 3));
    String only = "methods=[{method: lora, rank: 2, alpha: 4}]";
    Answer whole = checked("run", glora("runs").run(file, only));
    String run = whole.at("/runs/0/run").asText();
    status(run, RunStatus.INTERRUPTED, Json.object().put("micro_batch", 3));

    Answer cut = checked("resume", glora("runs").resume(run));
    Answer again = glora("runs").reproduce(run, 0);

    assertThat(cut.at("/runs/0/environment/micro_batch").asInt()).isEqualTo(3);
    assertThat(cut.at("/runs/0/environment/fingerprint"))
        .isNotEqualTo(whole.at("/runs/0/environment/fingerprint"));
    assertThat(again.at("/same_fingerprint").asBoolean()).isTrue();
    assertThat(again.at("/reproduced").asBoolean()).isTrue();
    assertThat(again.at("/environment")).isEmpty();

    status(run, RunStatus.FAILED, Json.object().put("micro_batch", 3));
    Answer retried = checked("retry", glora("runs").retry(run));
    assertThat(retried.at("/runs/0/digests")).isEqualTo(cut.at("/runs/0/digests"));
  }

  private void status(String run, RunStatus status, ObjectNode attempts) {
    try (RunStore store = RunStore.open(folder.resolve("runs"))) {
      store.record(run, "attempts", attempts);
      store.status(run, status, "");
    }
  }

  /** Makes the store say another test accuracy than was measured. */
  private void spoil(String run) {
    try (RunStore store = RunStore.open(folder.resolve("elsewhere"))) {
      FinalRow last = store.finals(run).get(0);
      ObjectNode record = last.record().deepCopy();
      ObjectNode test = record.withObject("/metrics/test");
      test.put("accuracy", Math.abs(test.path("accuracy").doubleValue() - 0.01));
      store.addFinal(run, last.mode(), last.primary(), record);
    }
  }

  private void anotherEnvironment(String run) {
    try (RunStore store = RunStore.open(folder.resolve("elsewhere"))) {
      ObjectNode environment = (ObjectNode) store.section(run, "environment").orElseThrow();
      store.record(run, "environment", environment.put("fingerprint", "another"));
    }
  }
}
