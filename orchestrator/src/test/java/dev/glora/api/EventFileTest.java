package dev.glora.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.run.RunListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  @Test
  void eventsAreLinesOfTimeRunStageAndCount(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("events");
    List<String> heard = new ArrayList<>();
    RunListener lines =
        new RunListener() {
          @Override
          public void stageDone(String summary) {
            heard.add(summary);
          }
        };
    try (EventFile events = new EventFile(lines, file)) {
      events.stage("r", "download", 0);
      events.stageDone("");
      events.stage("r", "supernet", 3);
      events.advance(2, "");
      events.commit("r", "trial", false);
      events.commit("r", "trial", true);
      events.stageDone("loss 0.4");
    }

    assertThat(Files.readAllLines(file))
        .allMatch(line -> line.matches("\\d{13} r \\S+ \\d+/\\d+"))
        .extracting(line -> line.substring(16))
        .containsExactly(
            "download 0/1",
            "download 1/1",
            "supernet 0/3",
            "supernet 2/3",
            "store:trial 0/1",
            "store:trial 1/1",
            "supernet 3/3");
    assertThat(heard).containsExactly("", "loss 0.4");
  }
}
