package dev.glora.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.report.FilledStore;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExportTest {
  @TempDir Path folder;
  private Glora glora;
  private String run;

  @BeforeEach
  void fill() throws IOException {
    Path runs = folder.resolve("runs");
    run = FilledStore.fill(runs).get(2).id();
    Path last = runs.resolve(run).resolve("final-inherit");
    write(last.resolve("model/model.safetensors"), "merged");
    write(last.resolve("model/config.json"), "{}");
    write(last.resolve("adapter/adapter.safetensors"), "adapter");
    ObjectNode record = Json.object();
    record
        .putObject("digests")
        .put("merged", Json.sha256("merged"))
        .put("adapter", Json.sha256("adapter"));
    try (RunStore store = RunStore.open(runs)) {
      store.addFinal(run, "inherit", true, record);
    }
    glora = Glora.builder().runs(runs).build();
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @Test
  void primaryFinalIsCopiedWhole() {
    Path output = folder.resolve("out");

    Answer answer = glora.export(run, "hf", null, output);

    assertThat(answer.at("/final").asText()).isEqualTo("inherit");
    assertThat(answer.at("/digest").asText()).isEqualTo(Json.sha256("merged"));
    assertThat(output.resolve("model.safetensors")).hasContent("merged");
    assertThat(output.resolve("config.json")).hasContent("{}");
    glora.export(run, "safetensors", "inherit", folder.resolve("adapter"));
    assertThat(folder.resolve("adapter/adapter.safetensors")).hasContent("adapter");
  }

  @Test
  void nothingIsOverwritten() throws IOException {
    write(folder.resolve("out/mine"), "mine");

    assertThatThrownBy(() -> glora.export(run, "hf", null, folder.resolve("out")))
        .hasMessageContaining("is there and not empty");
    assertThat(folder.resolve("out")).isDirectoryContaining("glob:**/mine");
  }

  @Test
  void changedFilesAreNotHandedOn() throws IOException {
    write(
        folder.resolve("runs").resolve(run).resolve("final-inherit/model/model.safetensors"), "x");

    assertThatThrownBy(() -> glora.export(run, "hf", null, folder.resolve("out")))
        .hasMessageContaining("so they were changed");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void whatIsNotThereIsSaid() {
    Path output = folder.resolve("out");

    assertThatThrownBy(() -> glora.export(run, "onnx", null, output))
        .hasMessageContaining("expected hf, peft or safetensors");
    assertThatThrownBy(() -> glora.export(run, "peft", null, output))
        .hasMessageContaining("has no form of PEFT's");
    assertThatThrownBy(() -> glora.export(run, "hf", "retrain", output))
        .hasMessageContaining("has no final \"retrain\"; it has inherit, finetune.");
    assertThatThrownBy(() -> glora.export(run, "hf", "finetune", output))
        .hasMessageContaining("glora reproduce " + run + " makes it again");
  }
}
