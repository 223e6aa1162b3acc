package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.GloraException;
import dev.glora.api.Answer;
import dev.glora.api.Glora;
import dev.glora.api.RunFilter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
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
    glora =
        Glora.builder()
            .checkout(Tiny.ROOT)
            .python(Tiny.EXECUTABLE)
            .runs(temp.resolve("runs"))
            .cache(temp.resolve("cache"))
            .build();
    experiment = temp.resolve("own.yaml");
  }

  private static Answer draft(Path output, String label) {
    return glora.init(data, model, output, Optional.empty(), Optional.ofNullable(label));
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
    Answer answer = glora.predict(run, input, output, Optional.empty());
    assertThat(answer.json().path("rows").asLong()).isEqualTo(2);
    assertThat(answer.text()).startsWith("2 rows scored into " + output);
    List<String> lines = Files.readAllLines(output);
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).isEqualTo("nr,text,prediction,probability");
    assertThat(lines.get(1)).matches("1,\"good, good\",(negative|positive),0\\.\\d+|.*,1\\.0");
  }

  @Test
  @Order(5)
  void runsThatHaveNoModelYetAndInputsThatWouldBeLostAreSentences() throws IOException {
    Path input = Files.writeString(temp.resolve("rows.txt"), "good\n");
    String run = glora.list(RunFilter.ALL).at("/runs/0/run").asText();
    assertThatThrownBy(() -> glora.predict(run, input, input, Optional.empty()))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("would be lost");
    assertThat(input).hasContent("good");
  }
}
