package dev.glora.run;

import static dev.glora.api.AnswerSchema.checked;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.api.Answer;
import dev.glora.api.DataColumns;
import dev.glora.api.Glora;
import dev.glora.api.RunFilter;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** From a table to scored rows, as someone with data of their own goes: init, run, predict. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class OwnDataTest {
  @TempDir static Path temp;
  static Path data;
  static String model;
  static Glora glora;
  static Path experiment;

  @BeforeAll
  static void write() throws Exception {
    Path material = Tiny.write(temp.resolve("material"));
    data = Files.copy(material.resolve("data.tsv"), temp.resolve("My Reviews (new).tsv"));
    model = "local:" + material.resolve("model");
    glora = Tiny.glora(temp, "runs").build();
    experiment = temp.resolve("own.yaml");
  }

  private static Answer draft(Path output, String label) {
    return checked(
        "init", glora.init(data, model, output, Optional.empty(), Optional.ofNullable(label)));
  }

  @Test
  @Order(1)
  void initSaysWhatItGuessedAndTheDraftPlans() throws IOException {
    Answer answer = draft(experiment, null);
    assertThat(answer.text())
        .contains("texts    column \"text\"")
        .contains("labels   column \"label\", 2 classes: ")
        .contains("glora run " + experiment);
    JsonNode guess = answer.json().path("guess");
    String text = Files.readString(experiment);
    assertThat(text)
        .contains("name: my-reviews-new\n")
        .contains("max_parameters: " + guess.path("lora_parameters").asLong() + " ")
        .contains("# as many as LoRA has");
    Answer plan = glora.plan(experiment);
    assertThat(plan.json().path("runs")).hasSize(3);
    assertThat(plan.at("/runs/0/state").asText()).isEqualTo("to do");
  }

  @Test
  @Order(2)
  void whatIsThereIsNotWrittenOver() throws IOException {
    String before = Files.readString(experiment);
    assertThatThrownBy(() -> draft(experiment, null))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("is there already");
    assertThat(experiment).hasContent(before);
  }

  @Test
  @Order(3)
  void aColumnThatIsNotThereIsASentence() {
    assertThatThrownBy(() -> draft(temp.resolve("other.yaml"), "mood"))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("no column 'mood'; found text, label");
    assertThat(temp.resolve("other.yaml")).doesNotExist();
  }

  @Test
  @Order(4)
  void theMergedModelScoresNewRows() throws IOException {
    Answer ran = glora.run(experiment, "training.steps=12", "methods.glora.search.generations=1");
    String run = ran.at("/runs/2/run").asText();
    assertThat(ran.at("/runs/2/status").asText()).isEqualTo("finished");
    Path input = temp.resolve("new.csv");
    Files.writeString(input, "nr,text\n1,\"good, good\"\n2,bad bad bad\n");
    Path output = temp.resolve("scored.csv");
    Answer answer = checked("predict", glora.predict(run, input, output, Optional.empty()));
    assertThat(answer.json().path("rows").asLong()).isEqualTo(2);
    assertThat(answer.text()).startsWith("2 rows scored into " + output);
    List<String> lines = Files.readAllLines(output);
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).isEqualTo("nr,text,prediction,probability");
    assertThat(lines.get(1)).matches("1,\"good, good\",(negative|positive),0\\.\\d+|.*,1\\.0");
  }

  private Answer drafted(Path table, String name) throws IOException {
    Path file = temp.resolve(name + ".yaml");
    Answer answer = checked("init", glora.init(table, model, file, DataColumns.GUESSED));
    assertThat(Files.readString(file)).contains("glora predict RUN");
    return answer;
  }

  private JsonNode run(String name) {
    Answer ran =
        glora.run(
            temp.resolve(name + ".yaml"),
            "training.steps=12",
            "methods.glora.search.generations=1");
    for (JsonNode each : ran.json().path("runs")) {
      assertThat(each.path("status").asText()).as(each.toString()).isEqualTo("finished");
    }
    return ran.at("/runs/2");
  }

  private static List<JsonNode> lines(Path file) throws IOException {
    return Files.readAllLines(file).stream().map(Json::parse).toList();
  }

  @Test
  @Order(5)
  void numbersAreGuessedLearntAndPredicted() throws IOException {
    Path table = temp.resolve("prices.jsonl");
    List<String> rows = Files.readAllLines(data);
    StringBuilder content = new StringBuilder();
    for (int i = 1; i < rows.size(); i++) {
      String[] cells = rows.get(i).split("\t", -1);
      double price = (cells[1].equals("positive") ? 30_000 : 20_000) + 10.5 * i;
      content.append(
          Json.text(Json.object().put("text", cells[0]).put("price", price).put("nr", i)) + "\n");
    }
    Files.writeString(table, content);
    Path file = temp.resolve("prices.yaml");
    Answer answer =
        glora.init(
            table,
            model,
            file,
            new DataColumns(
                Optional.empty(), Optional.empty(), Optional.of("price"), Optional.empty()));
    assertThat(answer.text()).contains("numbers  column \"price\", 2.0").contains("test, drawn\n");
    assertThat(Files.readString(file)).contains("target: \"number\"");
    JsonNode ran = run("prices");

    JsonNode shown = glora.show(ran.path("run").asText()).json();
    for (String split : new String[] {"val", "test"}) {
      JsonNode metrics = shown.path("metrics").path(split);
      assertThat(metrics.path("rmse").doubleValue())
          .isEqualTo(Math.sqrt(metrics.path("mse").doubleValue()));
      assertThat(metrics.has("accuracy")).isFalse();
      assertThat(metrics.has("spearman")).isTrue();
    }
    assertThat(shown.path("search").path("best").has("accuracy")).isFalse();
    Path predictions =
        temp.resolve("runs")
            .resolve(ran.path("run").asText())
            .resolve(shown.at("/predictions/file").asText());
    List<JsonNode> kept = lines(predictions);
    double squares = 0;
    for (JsonNode row : kept) {
      double error = row.path("prediction").doubleValue() - row.path("label").doubleValue();
      squares += error * error / kept.size();
    }
    assertThat(squares)
        .isCloseTo(shown.at("/metrics/test/mse").doubleValue(), withinPercentage(0.01));
    assertThat(glora.list(RunFilter.ALL).text()).contains(ran.path("run").asText());
    Path input = Files.writeString(temp.resolve("more.csv"), "text\na good film\nbad day\n");
    Path output = temp.resolve("more.out.csv");
    Answer scored = glora.predict(ran.path("run").asText(), input, output, Optional.empty());
    assertThat(scored.text()).contains(" in the mean");
    assertThat(Files.readAllLines(output).get(1)).matches("a good film,\\d{4,5}\\.\\d+");
  }

  @Test
  @Order(6)
  void pairsWithSeveralLabelsAndGivenSplitsGoTheWholeWay() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("pairs"));
    List<String> rows = Files.readAllLines(data);
    StringBuilder train = new StringBuilder();
    StringBuilder test = new StringBuilder();
    for (int i = 1; i < rows.size() - 1; i++) {
      ObjectNode row = Json.object().put("sentence1", rows.get(i).split("\t", -1)[0]);
      row.put("sentence2", rows.get(i + 1).split("\t", -1)[0]);
      ArrayNode tags = row.putArray("tags");
      if (rows.get(i).endsWith("positive")) {
        tags.add("first");
      }
      if (rows.get(i + 1).endsWith("positive") && i % 3 > 0) {
        tags.add("second");
      }
      (i % 4 == 0 ? test : train).append(Json.text(row)).append('\n');
    }
    Files.writeString(folder.resolve("train.jsonl"), train);
    Files.writeString(folder.resolve("test.jsonl"), test);
    assertThat(drafted(folder, "pairs").text())
        .contains("pairs of column \"sentence1\" and column \"sentence2\"")
        .contains("labels   column \"tags\", any of 2: first (")
        .contains("given: train, test; the others are drawn from train");
    JsonNode ran = run("pairs");

    JsonNode shown = glora.show(ran.path("run").asText()).json();
    assertThat(shown.at("/metrics/test").has("micro_f1")).isTrue();
    assertThat(shown.at("/per_class/test/1/class").asText()).isEqualTo("second");
    assertThat(shown.at("/merge/identical")).isEqualTo(shown.at("/merge/rows"));
    assertThat(Files.readString(Path.of(shown.path("folder").asText(), "report.md")))
        .contains("## Metrics")
        .contains("Each class on test");
    Path output = temp.resolve("pairs.out.jsonl");
    glora.predict(ran.path("run").asText(), folder.resolve("test.jsonl"), output, Optional.empty());
    List<JsonNode> scored = lines(output);
    assertThat((long) scored.size()).isEqualTo(test.toString().lines().count());
    for (JsonNode row : scored) {
      for (String name : new String[] {"first", "second"}) {
        boolean said = false;
        for (JsonNode each : row.path("prediction")) {
          said |= each.asText().equals(name);
        }
        assertThat(said).isEqualTo(row.path("probabilities").path(name).doubleValue() > 0.5);
      }
    }
  }

  @Test
  @Order(7)
  void picturesInFoldersOfTheirClassesAreDrafted() throws IOException {
    Path folder = temp.resolve("My Animals");
    for (int i = 0; i < 70; i++) {
      BufferedImage picture = new BufferedImage(5, 5, BufferedImage.TYPE_INT_RGB);
      picture.setRGB(i % 5, i / 14, 1000 * i);
      Path file = folder.resolve(i % 2 == 0 ? "cat" : "dog").resolve(i + ".png");
      Files.createDirectories(file.getParent());
      ImageIO.write(picture, "png", file.toFile());
    }
    Path file = temp.resolve("animals.yaml");
    Answer drafted = glora.init(folder, "drawn:vit-tiny", file, DataColumns.GUESSED);
    assertThat(drafted.text())
        .contains("70 pictures, ", "to 28 × 28 pixels", "classes  2: cat (35), dog (35)");
    assertThat(Files.readString(file)).doesNotContain("max_length", "text_column");
    JsonNode plan = glora.plan(file).json().path("runs");
    assertThat(plan)
        .extracting(run -> run.path("method").asText())
        .containsExactly("head", "lora", "glora");
    assertThatThrownBy(
            () -> glora.init(folder, model, temp.resolve("no.yaml"), DataColumns.GUESSED))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("name another with --model");
    assertThat(temp.resolve("no.yaml")).doesNotExist();
  }

  @Test
  @Order(8)
  void runsThatHaveNoModelYetAndInputsThatWouldBeLostAreSentences() throws IOException {
    Path input = Files.writeString(temp.resolve("rows.txt"), "good\n");
    String run = glora.list(RunFilter.ALL).at("/runs/0/run").asText();
    assertThatThrownBy(() -> glora.predict(run, input, input, Optional.empty()))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("would be lost");
    assertThat(input).hasContent("good");
  }
}
