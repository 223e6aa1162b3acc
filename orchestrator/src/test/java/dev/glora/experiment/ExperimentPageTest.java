package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExperimentPageTest {
  @Test
  void committedPageIsWhatTheSchemaGives() throws IOException {
    Path page = Path.of(System.getProperty("glora.root"), "docs", "experiment-file.md");

    assertThat(Files.readString(page))
        .as("docs/experiment-file.md; ./glora schema --markdown makes it anew")
        .isEqualTo(ExperimentPage.markdown());
  }

  @Test
  void everyKeyOfTheSchemaIsOnThePage() {
    String page = ExperimentPage.markdown();
    List<String> missing = new ArrayList<>();
    look(ExperimentSchema.json(), page, missing);

    assertThat(missing).isEmpty();
  }

  private static void look(JsonNode node, String page, List<String> missing) {
    for (var entry : node.path("properties").properties()) {
      if (!page.contains("| `" + entry.getKey() + "` |")) {
        missing.add(entry.getKey());
      }
    }
    node.forEach(child -> look(child, page, missing));
  }
}
