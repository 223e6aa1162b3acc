package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.api.Answer;
import dev.glora.api.DataColumns;
import dev.glora.api.Glora;
import dev.glora.api.TableOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole experiments on a tiny language model, with real torch steps. */
class LanguageRunTest {
  private static final String YAML =
      """
      version: 1
      name: language
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

  private static final RunListener SILENT = new RunListener() {};

  @TempDir static Path temp;

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
  }

  /** Runs it in a folder of its own; the documents of lora and glora. */
  private static List<JsonNode> runs(String task, String name, RunListener listener)
      throws IOException {
    Path file =
        Files.writeString(
            temp.resolve(name + ".yaml"),
            YAML.replace("@TASK@", task).replace("@DIR@", temp.toString()));
    List<JsonNode> runs = new ArrayList<>();
    glora(name, listener).run(file).json().path("runs").forEach(runs::add);
    assertThat(runs).hasSize(2);
    assertThat(runs).allMatch(run -> run.path("status").asText().equals("finished"));
    return runs;
  }

  private static Glora glora(String runs, RunListener listener) {
    return Tiny.glora(temp, runs).listener(listener).build();
  }

  @Test
  void initGivesALanguageModelAPromptOrItsConversations() throws Exception {
    Glora glora = glora("drafts", SILENT);
    String model = "local:" + temp.resolve("model");
    Path words = temp.resolve("drafted-words.yaml");
    Answer drafted = glora.init(temp.resolve("data.tsv"), model, words, DataColumns.GUESSED);
    assertThat(drafted.text()).contains("a class is one of the words {\"negative\":\" negative\"");
    assertThat(Files.readString(words)).contains("\n  prompt: \"{text}\\nAnswer:\"\n");
    Path answers = temp.resolve("drafted-answers.yaml");
    drafted = glora.init(temp.resolve("alpaca.json"), model, answers, DataColumns.GUESSED);
    assertThat(drafted.text()).contains("80 conversations, 80 different ones with an answer\n");
    assertThat(Files.readString(answers)).contains("\n  packing: true ");
    for (Path file : List.of(words, answers)) {
      JsonNode plan = glora.plan(file).json().path("runs");
      assertThat(plan)
          .extracting(run -> run.path("method").asText())
          .containsExactly("lora", "glora");
    }
  }

  @Test
  void aClassAsAWordIsTrainedMergedAndScored() throws Exception {
    Tiny.Counter listener = new Tiny.Counter(new CancelToken(), -1);
    String task =
        "{source: \"local:@DIR@/data.tsv\", domain: reviews, "
            + SPLIT
            + ", max_length: 48, prompt: \"{text} Sentiment:\"}";
    List<JsonNode> runs = runs(task, "words", listener);
    for (JsonNode run : runs) {
      JsonNode each = run.at("/finals/0");
      assertThat(each.at("/metrics/test/accuracy").asDouble()).isBetween(0.0, 1.0);
      assertThat(each.at("/merge/identical").asInt()).isEqualTo(16);
      JsonNode scored = each.at("/metrics/evaluate");
      assertThat(scored.path("quiz.rows").asInt()).isEqualTo(2);
      assertThat(scored.path("quiz.acc").isNumber()).isTrue();
    }
    assertThat(listener.messages)
        .anyMatch(line -> line.startsWith("C and E leave the space at 6 sites"));

    Path file = temp.resolve("words.yaml");
    Path published =
        Files.writeString(
            temp.resolve("published.csv"),
            """
            table,model,sources,task,method,split,metric,unit,value,deviation,seeds,parameters,source,verified,note
            T,tiny,,quiz,lora-reviews,evaluate,acc_norm,%,50.0,,,,A paper,yes,
            T,tiny,,quiz,lora-others,evaluate,acc_norm,%,60.0,,,,A paper,yes,
            """);
    Glora glora = glora("words", SILENT);
    Answer table =
        glora.table(file, new TableOptions("text", List.of(published), "evaluate", "accuracy"));
    assertThat(table.json().path("rows"))
        .extracting(row -> row.path("label").asText() + " " + row.at("/published/value").asText())
        .containsExactly("lora 50.0", "glora ");
    for (int i = 0; i < runs.size(); i++) {
      JsonNode scored = runs.get(i).at("/finals/0/metrics/evaluate");
      JsonNode row = table.at("/rows/" + i);
      assertThat(row.path("mean").asDouble())
          .isCloseTo(100 * scored.path("quiz.acc_norm").asDouble(), within(1e-9));
      assertThat(runs.get(i).at("/metrics/evaluate")).isEqualTo(scored);
    }
    assertThat(table.text()).contains("reviews, quiz (acc_norm)").doesNotContain("mean of the");
    String last = runs.get(1).path("run").asText();
    assertThat(glora.show(last).text()).contains("evaluate     quiz.acc_norm");

    Path input = Files.writeString(temp.resolve("new.csv"), "text\ngood good\n\"bad, bad\"\n");
    Path output = temp.resolve("new.out.jsonl");
    Answer scored = glora.predict(last, input, output, Optional.empty());
    assertThat(scored.json().path("kind").asText()).isEqualTo("class");
    for (String line : Files.readAllLines(output)) {
      JsonNode row = Json.parse(line);
      String said = row.path("prediction").asText();
      assertThat(said).isIn("negative", "positive");
      assertThat(row.path("probability")).isEqualTo(row.path("probabilities").path(said));
    }
  }

  @Test
  void answersAreLearntAndMeasuredByTheirTokens() throws Exception {
    String task =
        "{source: \"local:@DIR@/alpaca.json\", domain: alpaca, "
            + SPLIT
            + ", max_length: 150, format: alpaca, template: chat, packing: true}";
    List<JsonNode> runs = runs(task, "answers", SILENT);
    for (JsonNode run : runs) {
      JsonNode each = run.at("/finals/0");
      JsonNode val = each.at("/metrics/val");
      assertThat(val.path("perplexity").asDouble())
          .isCloseTo(Math.exp(val.path("loss").asDouble()), within(1e-6));
      assertThat(val.path("accuracy").asDouble()).isBetween(0.0, 1.0);
      assertThat(each.at("/merge/max_abs_diff").asDouble()).isLessThan(1e-3);
    }
    Path input = Files.writeString(temp.resolve("ask.txt"), "say good\nsay bad\n");
    Path output = temp.resolve("ask.csv");
    String first = runs.get(0).path("run").asText();
    Answer answered = glora("answers", SILENT).predict(first, input, output, Optional.empty());
    assertThat(answered.text()).startsWith("2 rows scored into " + output).contains(" did not.");
    assertThat(Files.readAllLines(output).get(0)).isEqualTo("instruction,prediction,ended");
  }
}
