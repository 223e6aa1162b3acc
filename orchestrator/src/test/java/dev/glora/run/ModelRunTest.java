package dev.glora.run;

import static dev.glora.api.AnswerSchema.checked;
import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.ExitCode;
import dev.glora.api.Answer;
import dev.glora.api.Glora;
import dev.glora.api.RunFilter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Experiments whose model another one trains, through the Java API. */
class ModelRunTest {
  @TempDir Path folder;

  private Glora glora(String runs) {
    return Tiny.glora(folder, runs).build();
  }

  /** The second experiment wants another number of threads than this process's Python has. */
  @Test
  void modelIsTrainedOnceAndThreadsMayDiffer() throws Exception {
    Path material = Tiny.write(folder.resolve("material"));
    String model = "\"local:" + material.resolve("model") + "\"";
    Files.writeString(folder.resolve("tiny.yaml"), Tiny.yaml(model, material, 4, 16, 3, 3));
    Files.writeString(
        folder.resolve("body.yaml"),
        """
        version: 1
        extends: tiny.yaml
        name: body
        methods: [{method: full}]
        """);
    Path file =
        Files.writeString(
            folder.resolve("adapted.yaml"),
            """
            version: 1
            extends: tiny.yaml
            name: adapted
            runtime: {threads: 2}
            model: "run:body.yaml"
            methods: [{method: lora, rank: 2, alpha: 4}]
            """);

    Answer first = checked("run", glora("runs").run(file));

    assertThat(first.code()).isEqualTo(ExitCode.DONE);
    assertThat(first.at("/runs/0/configuration/runtime/threads").asInt()).isEqualTo(2);
    String body = first.at("/runs/0/configuration/model/source").asText().substring(4);
    assertThat(glora("runs").show(body).at("/status").asText()).isEqualTo("finished");

    // Another folder of runs: the cache has the model, and threads are part of what is repeated.
    Answer elsewhere = glora("others").run(file, "runtime.threads=1");
    assertThat(elsewhere.code()).isEqualTo(ExitCode.DONE);
    assertThat(glora("others").list(RunFilter.ALL).at("/runs")).hasSize(1);
    assertThat(elsewhere.at("/runs/0/key")).isNotEqualTo(first.at("/runs/0/key"));
  }
}
