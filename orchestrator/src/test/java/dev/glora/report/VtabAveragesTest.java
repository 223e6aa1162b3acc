package dev.glora.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.glora.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VtabAveragesTest {
  private static final Map<String, Double> MEANS =
      Map.of("natural", 10.0, "specialized", 20.0, "structured", 60.0);

  /** The tasks and groups are those that the readers of the data know. */
  @Test
  void groupsAreThoseOfTheData() throws IOException {
    Path file =
        Path.of(System.getProperty("glora.root"), "python-runtime/src/glora/data/vtab.json");
    ArrayNode rows = Json.array();
    for (var task : Json.parse(Files.readString(file)).properties()) {
      rows.addObject()
          .put("label", "glora")
          .put("final", "retrain")
          .put("task", task.getKey())
          .put("mean", MEANS.get(task.getValue().path("group").asText()));
    }
    assertThat(rows).hasSize(19);
    JsonNode line = VtabAverages.of(rows).path(0);
    MEANS.forEach((group, mean) -> assertThat(line.path(group).doubleValue()).isEqualTo(mean));
    assertThat(line.path("mean_of_groups").doubleValue()).isEqualTo(30.0);
    rows.remove(0);
    assertThat(VtabAverages.of(rows)).isEmpty();
  }
}
