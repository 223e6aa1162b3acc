package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamedFilesTest {
  private static final String METHOD = "methods: [{method: glora, search: {strategy: policy%s}}]\n";

  @TempDir Path folder;
  private Path policy;
  private Path experiment;

  @BeforeEach
  void write() throws IOException {
    policy = Files.createDirectory(folder.resolve("policies")).resolve("mine.py");
    Files.writeString(policy, "def ask(state): return []\n");
    experiment = experiment(", policy: {file: policies/mine.py, time_limit: 5}");
  }

  private Path experiment(String block) throws IOException {
    String yaml = ExperimentReaderTest.SMALLEST.replaceAll("(?m)^methods:.*\n", "");
    return Files.writeString(folder.resolve("e.yaml"), yaml + METHOD.formatted(block));
  }

  private PlannedRun planned(String... overrides) {
    Experiment read = ExperimentReader.read(experiment, List.of(overrides)).get(0);
    return new Planner("code").plan(read).get(0);
  }

  private static PolicySpec spec(PlannedRun run) {
    return ((GloraSpec) run.method()).search().policy();
  }

  @Test
  void theFilesTextIsPartOfTheRun() throws IOException {
    PlannedRun first = planned();
    assertThat(spec(first))
        .isEqualTo(new PolicySpec("policies/mine.py", "def ask(state): return []\n", 5, 512));

    Files.writeString(policy, "def ask(state): return [[]]\n");
    assertThat(planned().key()).isNotEqualTo(first.key());

    Files.delete(policy);
    PlannedRun again = new Planner("code").replan(first.resolved());
    assertThat(again.key()).isEqualTo(first.key());
    assertThat(spec(again)).isEqualTo(spec(first));
  }

  @Test
  void aPathIsRelativeToTheFileThatNamesIt() throws IOException {
    Path below = Files.createDirectory(folder.resolve("below"));
    experiment = Files.writeString(below.resolve("f.yaml"), "version: 1\nextends: ../e.yaml\n");
    assertThat(spec(planned()).source()).isEqualTo("def ask(state): return []\n");
    String key = "methods.0.search.policy.file=";
    assertThat(spec(planned(key + policy)).source()).isEqualTo("def ask(state): return []\n");
  }

  @Test
  void whatCannotBeAPolicyIsRefusedInOneSentence() throws IOException {
    refused("policies/mine.py", "which is no file", () -> Files.delete(policy));
    refused("not text in UTF-8", "expected a Python file", () -> Files.write(policy, BROKEN));
    refused("more than 1 MiB", "mine.py", () -> Files.write(policy, new byte[(1 << 20) + 1]));
    experiment = experiment("");
    refused("strategy is policy, expected policy.file", "e.yaml:", () -> {});
    experiment = experiment(", policy: {}");
    refused("the key \"file\"", "is missing", () -> {});
  }

  private static final byte[] BROKEN = {'#', (byte) 0xff, '\n'};

  /** Something that may fail to be written. */
  private interface Change {
    void make() throws IOException;
  }

  private void refused(String found, String expected, Change change) throws IOException {
    change.make();
    assertThatThrownBy(this::planned)
        .isInstanceOf(GloraException.class)
        .hasMessageContaining(found)
        .hasMessageContaining(expected)
        .extracting(e -> ((GloraException) e).code())
        .isEqualTo(ExitCode.USAGE);
  }
}
