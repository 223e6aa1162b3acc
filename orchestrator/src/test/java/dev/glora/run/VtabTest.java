package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.api.Answer;
import dev.glora.api.Glora;
import dev.glora.api.TableOptions;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * VTAB-1k's path from the command to the table, on a made-up copy of its folders and a tiny ViT.
 */
class VtabTest {
  private static final String YAML =
      """
      version: 1
      name: vtab
      runtime: {threads: 1}
      model: "local:%1$s/body"
      task:
        domain: kitti
        source: "local:%1$s/kitti"
        split: {train: 800, val: 200, test: 100000}
        fit: train_and_val
        tests: [{name: again, source: "local:%1$s/kitti", domain: kitti}]
      training:
        {steps: 60, batch_size: 32, eval_batch_size: 100, learning_rate: 1.0e-2, warmup_steps: 5}
      methods:
        - {method: lora, rank: 2}
        - method: glora
          recipe: published
          ranks: [2]
          search: {population: 4, generations: 1, parents: 2, mutations: 2, crossovers: 2}
          final: [inherit, retrain]
          primary: retrain
        - {method: head, learning_rates: [1.0e-3, 1.0e-2]}
      """;

  @TempDir static Path temp;
  static Path copy;

  @BeforeAll
  static void write() throws Exception {
    copy = temp.resolve("vtab-1k");
    Path script = Tiny.ROOT.resolve("python-runtime/tests/vtab_copy.py");
    ProcessBuilder builder =
        new ProcessBuilder(Tiny.EXECUTABLE.toString(), script.toString(), copy.toString(), "kitti");
    builder.environment().put("PYTHONPATH", Tiny.ROOT.resolve("python-runtime/src").toString());
    assertThat(builder.inheritIO().start().waitFor()).isZero();
  }

  private static Glora glora() {
    return Tiny.glora(temp, "runs").build();
  }

  @Test
  void aTaskGoesFromItsListsToTheTable() throws IOException {
    Path file = Files.writeString(temp.resolve("vtab.yaml"), YAML.formatted(copy));
    Answer ran = glora().run(file);
    for (JsonNode run : ran.json().path("runs")) {
      assertThat(run.path("status").asText()).isEqualTo("finished");
      assertThat(run.path("data").path("rows").path("test").asInt()).isEqualTo(60);
    }
    JsonNode glora = ran.at("/runs/1");
    assertThat(glora.path("test_openings")).hasSize(2);
    for (JsonNode last : glora.path("finals")) {
      boolean retrained = last.path("mode").asText().equals("retrain");
      assertThat(last.path("trained_on").asText()).isEqualTo(retrained ? "train_and_val" : "");
      // The same pictures under another name: one opening reads both.
      assertThat(last.at("/metrics/test-again")).isEqualTo(last.at("/metrics/test"));
    }
    assertThat(glora.path("metrics").fieldNames())
        .toIterable()
        .containsExactly("val", "test", "test-again");
    assertThat(glora.at("/metrics/test-again")).isEqualTo(glora.at("/metrics/test"));
    String shown = glora().show(glora.path("run").asText()).text();
    assertThat(shown).containsPattern("retrain +test-again +accuracy +[01]\\.");
    // The head, too: its rate was chosen by training on train, and the last training saw more.
    JsonNode head = ran.at("/runs/2/finals/0");
    assertThat(head.path("trained_on").asText()).isEqualTo("train_and_val");
    try (RunStore store = RunStore.open(temp.resolve("runs"))) {
      JsonNode record = store.sections(ran.at("/runs/2/run").asText()).path("head");
      assertThat(record.path("tried")).hasSize(2);
      for (JsonNode tried : record.path("tried")) {
        assertThat(head.at("/metrics/val/loss")).isNotEqualTo(tried.path("loss"));
      }
    }
    // One colour a class: a body that sees the pictures, their labels and no others' learns it.
    assertThat(ran.at("/runs/0/metrics/test/accuracy").doubleValue()).isGreaterThan(0.8);
    for (String split : List.of("test", "test-again")) {
      Answer table = glora().table(file, new TableOptions("json", List.of(), split, "accuracy"));
      assertThat(table.json().path("rows")).hasSize(4);
      assertThat(table.at("/rows/0/task").asText()).isEqualTo("kitti");
    }
    predictsItsTestAgain(ran.at("/runs/0/run").asText());
  }

  /** From the pictures of the list, the merged model says what it said when test was opened. */
  private static void predictsItsTestAgain(String run) throws IOException {
    Path output = temp.resolve("again.jsonl");
    Path list = copy.resolve("kitti/test.txt");
    Answer scored = glora().predict(run, list, output, Optional.empty());
    assertThat(scored.json().path("rows").asInt()).isEqualTo(60);
    List<String> before =
        Files.readAllLines(temp.resolve("runs/" + run + "/final-train/test-predictions.jsonl"));
    List<String> lines = Files.readAllLines(output);
    assertThat(lines).hasSameSizeAs(before);
    for (int i = 0; i < lines.size(); i++) {
      JsonNode row = Json.parse(lines.get(i));
      assertThat(row.path("prediction")).isEqualTo(Json.parse(before.get(i)).path("prediction"));
      assertThat(Files.readAllLines(list).get(i))
          .isEqualTo(row.path("path").asText() + " " + row.path("label").asText());
    }
  }

  @Test
  void theDoctorSaysWhichTasksAreThere() {
    List<String> lines = new ArrayList<>();
    Answer looked = glora().doctor(copy, lines::add);
    assertThat(lines).hasSize(19).filteredOn(line -> line.startsWith("ok")).hasSize(1);
    assertThat(looked.json().path("usable").asBoolean()).isFalse();
    assertThat(lines)
        .anyMatch(line -> line.startsWith("ok    kitti: ") && line.contains("has 60 pictures"));
  }
}
