package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The committed experiments with pictures, and those on shifted data, can be planned without it.
 */
class ImageExperimentsTest {
  private static List<PlannedRun> planned(String file) {
    Path root = Path.of(System.getProperty("glora.root"), "experiments");
    return new Planner("code").plan(ExperimentReader.read(root.resolve(file), List.of()));
  }

  @Test
  void vtabHasNineteenTasksAtThreeSizes() {
    List<PlannedRun> runs = planned("paper/vtab-1k.yaml");
    assertThat(runs).hasSize(19 * 3);
    assertThat(runs.stream().map(run -> run.experiment().task().domain()).distinct()).hasSize(19);
    for (PlannedRun run : runs) {
      GloraSpec glora = (GloraSpec) run.method();
      assertThat(glora.search().population() * (1 + glora.search().generations())).isEqualTo(1050);
      assertThat(glora.supernet().training().steps()).isEqualTo(6000);
      assertThat(glora.finals()).containsExactly(FinalMode.INHERIT);
      assertThat(run.experiment().task().normalisation()).isEqualTo("imagenet");
    }
  }

  @Test
  void fewShotHasFiveShotsOfFiveDataSets() {
    List<PlannedRun> runs = planned("paper/few-shot.yaml");
    assertThat(runs).hasSize(25);
    assertThat(
            runs.stream()
                .collect(
                    Collectors.groupingBy(
                        run -> run.experiment().task().split().shots(), Collectors.counting())))
        .containsOnlyKeys(1, 2, 4, 8, 16)
        .allSatisfy((shots, tasks) -> assertThat(tasks).isEqualTo(5));
  }

  @Test
  void shiftedSetsAreTestSetsOfOneTraining() {
    List<PlannedRun> images = planned("paper/domain-generalisation.yaml");
    assertThat(images).hasSize(1);
    assertThat(images.get(0).experiment().task().tests())
        .extracting(TestSpec::name)
        .containsExactly("imagenet-sketch", "imagenet-v2", "imagenet-a", "imagenet-r");
    assertThat(planned("offline/shifted-text.yaml").get(0).experiment().task().tests())
        .extracting(TestSpec::name)
        .containsExactly("tweets", "products", "editorials");
    assertThat(planned("offline/few-shot-text.yaml")).hasSize(5 * 3 * 3);
  }

  @Test
  void thePretrainingIsOneRun() {
    assertThat(planned("pretrain-vit-tiny.yaml")).hasSize(1);
  }
}
