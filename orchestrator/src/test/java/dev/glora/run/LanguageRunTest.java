package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.api.Answer;
import dev.glora.api.Glora;
import dev.glora.api.TableOptions;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.Planner;
import dev.glora.store.FinalRow;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole experiments on a tiny language model, with real torch steps. */
class LanguageRunTest {
  private static final String YAML =
      """
      version: 1
      name: language
      runtime: {threads: 1}
      model: "local:@DIR@/model"
      task: @TASK@
      training:
        {steps: 12, batch_size: 8, eval_batch_size: 10, learning_rate: 1.0e-2, warmup_steps: 2}
      methods:
        - {method: lora, rank: 2, alpha: 4}
        - method: glora
          recipe: published
          ranks: [2]
          search:
            {population: 4, generations: 1, parents: 2, mutations: 2, crossovers: 2, fitness: loss}
      evaluate:
        - {name: quiz, format: arc, source: "local:@DIR@/arc.jsonl"}
      """;
  private static final String SPLIT = "split: {train: 40, val: 16, test: 16, seed: 5}";

  @TempDir static Path temp;
  static PythonRuntime python;

  @BeforeAll
  static void write() throws Exception {
    Path script = Tiny.ROOT.resolve("python-runtime/tests/tiny_language.py");
    Process process =
        new ProcessBuilder(Tiny.EXECUTABLE.toString(), script.toString(), temp.toString(), "qwen3")
            .inheritIO()
            .start();
    assertThat(process.waitFor()).isZero();
    Files.writeString(
        temp.resolve("arc.jsonl"),
        """
        {"question": "which is good", "choices": {"text": ["fine", "dull"], "label": ["A", "B"]}, "answerKey": "A"}
        {"question": "which is bad", "choices": {"text": ["fine", "dull"], "label": ["A", "B"]}, "answerKey": "B"}
        """);
    python = Tiny.python();
  }

  @AfterAll
  static void close() {
    python.close();
  }

  private static List<FinalRow> finals(String task, String name, Tiny.Counter listener)
      throws Exception {
    String yaml = YAML.replace("@TASK@", task).replace("@DIR@", temp.toString());
    Path runs = Files.createDirectories(temp.resolve(name));
    CancelToken cancel = new CancelToken();
    try (RunStore store = RunStore.open(runs)) {
      List<RunOutcome> done =
          new ExperimentRunner(store, runs, temp.resolve("cache"), python, listener, cancel)
              .run(new Planner("test").plan(ExperimentReader.parse(yaml, name, List.of())));
      assertThat(done).extracting(RunOutcome::status).containsOnly(RunStatus.FINISHED);
      return store.runs().stream()
          .map(RunRow::id)
          .flatMap(id -> store.finals(id).stream())
          .toList();
    }
  }

  @Test
  void aClassAsAWordIsTrainedMergedAndScored() throws Exception {
    Tiny.Counter listener = new Tiny.Counter(new CancelToken(), -1);
    String task =
        "{source: \"local:@DIR@/data.tsv\", domain: reviews, "
            + SPLIT
            + ", max_length: 48, prompt: \"{text} Sentiment:\"}";
    List<FinalRow> finals = finals(task, "words", listener);
    assertThat(finals).hasSize(2);
    for (FinalRow each : finals) {
      assertThat(each.record().at("/metrics/test/accuracy").asDouble()).isBetween(0.0, 1.0);
      assertThat(each.record().at("/merge/identical").asInt()).isEqualTo(16);
      JsonNode scored = each.record().at("/metrics/evaluate");
      assertThat(scored.path("quiz.rows").asInt()).isEqualTo(2);
      assertThat(scored.path("quiz.acc").isNumber()).isTrue();
    }
    assertThat(listener.messages)
        .anyMatch(line -> line.startsWith("C and E leave the space at 6 sites"));

    Path file =
        Files.writeString(
            temp.resolve("words.yaml"),
            YAML.replace("@TASK@", task).replace("@DIR@", temp.toString()));
    Path published =
        Files.writeString(
            temp.resolve("published.csv"),
            """
            table,model,sources,task,method,split,metric,unit,value,deviation,seeds,parameters,source,verified,note
            T,tiny,,quiz,lora-reviews,evaluate,acc_norm,%,50.0,,,,A paper,yes,
            T,tiny,,quiz,lora-others,evaluate,acc_norm,%,60.0,,,,A paper,yes,
            """);
    Glora glora =
        Glora.builder()
            .checkout(Tiny.ROOT)
            .python(Tiny.EXECUTABLE)
            .runs(temp.resolve("words"))
            .cache(temp.resolve("cache"))
            .build();
    Answer table =
        glora.table(file, new TableOptions("text", List.of(published), "evaluate", "accuracy"));
    assertThat(table.json().path("rows"))
        .extracting(row -> row.path("label").asText() + " " + row.at("/published/value").asText())
        .containsExactly("lora 50.0", "glora ");
    for (int i = 0; i < finals.size(); i++) {
      JsonNode scored = finals.get(i).record().at("/metrics/evaluate");
      JsonNode row = table.at("/rows/" + i);
      assertThat(row.path("mean").asDouble())
          .isCloseTo(100 * scored.path("quiz.acc_norm").asDouble(), within(1e-9));
      JsonNode shown = glora.show(finals.get(i).run()).at("/metrics/evaluate");
      assertThat(shown).isEqualTo(scored);
    }
    assertThat(table.text()).contains("reviews, quiz (acc_norm)").doesNotContain("mean of the");
    assertThat(glora.show(finals.get(0).run()).text()).contains("evaluate     quiz.acc_norm");
  }

  @Test
  void answersAreLearntAndMeasuredByTheirTokens() throws Exception {
    Tiny.Counter listener = new Tiny.Counter(new CancelToken(), -1);
    String task =
        "{source: \"local:@DIR@/alpaca.json\", domain: alpaca, "
            + SPLIT
            + ", max_length: 150, format: alpaca, template: chat, packing: true}";
    for (FinalRow each : finals(task, "answers", listener)) {
      JsonNode val = each.record().at("/metrics/val");
      assertThat(val.path("perplexity").asDouble())
          .isCloseTo(Math.exp(val.path("loss").asDouble()), within(1e-6));
      assertThat(val.path("accuracy").asDouble()).isBetween(0.0, 1.0);
      assertThat(each.record().at("/merge/max_abs_diff").asDouble()).isLessThan(1e-3);
    }
  }
}
