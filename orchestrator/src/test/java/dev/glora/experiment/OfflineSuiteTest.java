package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The committed experiments of the offline suite can be planned, and hold what they promise. */
class OfflineSuiteTest {
  private static final Path FOLDER =
      Path.of(System.getProperty("glora.root"), "experiments", "offline");

  static List<Path> experiments() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .filter(file -> file.toString().endsWith(".yaml"))
          .filter(file -> !file.getFileName().toString().startsWith("base-"))
          .sorted()
          .toList();
    }
  }

  private static List<PlannedRun> plan(Path file) {
    return new Planner("test").plan(ExperimentReader.read(file, List.of()));
  }

  @ParameterizedTest
  @MethodSource("experiments")
  void isPlanned(Path file) {
    List<PlannedRun> plan = plan(file);

    assertThat(plan).isNotEmpty();
    assertThat(plan).extracting(PlannedRun::key).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(strings = {"text.yaml", "image.yaml"})
  void wholeMatrixOfMethodsIsThere(String name) {
    List<PlannedRun> plan = plan(FOLDER.resolve(name));
    Set<String> kinds = plan.stream().map(run -> run.method().method()).collect(Collectors.toSet());
    Set<String> labels =
        plan.stream()
            .map(run -> run.method().label())
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(kinds)
        .containsExactlyInAnyOrder(
            "adalora", "bitfit", "dora", "full", "glora", "head", "ia3", "lora", "majority", "ssf");
    assertThat(labels)
        .contains("lora-r1", "lora-r2", "lora-r4", "lora-r8", "lora-bias")
        .contains("glora-fixed", "glora-random", "glora-null", "glora");
    assertThat(plan).extracting(PlannedRun::seed).contains(0L, 1L, 2L);
    for (PlannedRun run : plan) {
      if (run.method() instanceof GloraSpec spec && spec.label().equals("glora")) {
        assertThat(spec.finals()).containsExactly(FinalMode.values());
      }
    }
  }
}
