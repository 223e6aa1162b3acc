package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MatrixTest {
  private static final String BASE =
      """
      version: 1
      name: demo
      seeds: [0, 1]
      model: "local:/models/tiny"
      task: {source: "local:/data/tiny", domain: movies}
      training: {steps: 200}
      methods: [{method: head}, {method: glora, label: mine}]
      """;

  @TempDir Path folder;

  private List<Experiment> variants(String matrix, String... overrides) {
    try {
      Path file = Files.writeString(folder.resolve("m.yaml"), BASE + matrix);
      return ExperimentReader.read(file, List.of(overrides));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private List<PlannedRun> plan(String matrix, String... overrides) {
    return new Planner("code").plan(variants(matrix, overrides));
  }

  @Test
  void everyCombinationIsAVariantAndTheLastKeyVariesFastest() {
    List<Experiment> variants =
        variants("matrix: {task.domain: [movies, tweets], training.steps: [150, 300]}");

    assertThat(variants)
        .extracting(v -> v.task().domain() + " " + v.training().steps())
        .containsExactly("movies 150", "movies 300", "tweets 150", "tweets 300");
  }

  @Test
  void objectIsMergedIntoWhatIsThere() {
    List<Experiment> variants =
        variants("matrix: {task: [{domain: movies, max_length: 9}, {domain: tweets}]}");

    assertThat(variants)
        .extracting(v -> v.task().source().source() + v.task().domain() + v.task().maxLength())
        .containsExactly("local:/data/tinymovies9", "local:/data/tinytweets64");
  }

  @Test
  void runsAreTheVariantsForEachSeedAndMethodAndCarryWhatWasVaried() {
    List<PlannedRun> plan = plan("matrix: {task: [{domain: movies}, {domain: tweets}]}");

    assertThat(plan)
        .extracting(r -> r.seed() + " " + r.variant() + " " + r.method().label())
        .containsExactly(
            "0 task.domain=movies head",
            "0 task.domain=movies mine",
            "0 task.domain=tweets head",
            "0 task.domain=tweets mine",
            "1 task.domain=movies head",
            "1 task.domain=movies mine",
            "1 task.domain=tweets head",
            "1 task.domain=tweets mine");
    assertThat(plan).extracting(PlannedRun::key).doesNotHaveDuplicates();
  }

  @Test
  void keyOfOneMethodMultipliesThatMethodAlone() {
    List<PlannedRun> plan =
        plan("matrix: {methods.mine.max_parameters: [1000, null]}", "seeds=[0]");

    assertThat(plan)
        .extracting(r -> r.method().label() + " " + r.variant())
        .containsExactly("head ", "mine max_parameters=1000", "mine max_parameters=null");
  }

  @Test
  void variantHasTheKeyOfTheSameExperimentWithoutAMatrix() {
    List<PlannedRun> varied = plan("matrix: {training.steps: [150, 300]}", "seeds=[0]");
    List<PlannedRun> alone = plan("", "seeds=[0]", "training.steps=300");

    assertThat(varied.subList(2, 4))
        .extracting(PlannedRun::id)
        .isEqualTo(alone.stream().map(PlannedRun::id).toList());
  }

  @Test
  void overrideEndsTheVariationOfItsKeyOrChangesItsValues() {
    String matrix = "matrix: {training.steps: [150, 300], task.domain: [movies, tweets]}";

    assertThat(variants(matrix, "training.steps=250"))
        .extracting(v -> v.training().steps() + v.task().domain())
        .containsExactly("250movies", "250tweets");
    assertThat(variants(matrix, "matrix.training.steps=[130]", "matrix.task.domain=[x, y, z]"))
        .extracting(v -> v.training().steps() + v.task().domain())
        .containsExactly("130x", "130y", "130z");
    assertThat(variants(matrix, "matrix={}")).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "matrix: [a] | 8:9: matrix is a list of 1, expected an object of keys with lists",
        "matrix: {training.steps: 3} | 8:26: matrix.training.steps is the number 3, expected a"
            + " list",
        "matrix: {training.steps: []} | is an empty list, expected a list of the values",
        "matrix: {seeds: [[1], [2]]} | 8:10: the matrix varies seeds, which is a list of its own",
        "matrix: {name: [a, b]} | give each name a file of its own",
        "matrix: {runtime.threads: [1, 2]} | which is set once in a process",
        "matrix: {methods: [[]]} | vary a key of one such as",
        "matrix: {methods.4.rank: [1]} | methods is a list of 2, found the index \"4\"",
        "matrix: {trainin.steps: [1]} | the key \"trainin\" of the experiment is not known",
        "matrix: {training.steps: [150, none]} | 8:32: training.steps is the text \"none\"",
        "matrix: {task: [{domain: x}], task.domain: [y]} | varies task.domain and task, one of",
        "matrix: {'': [1]} | which has no key \"\"",
      })
  void whatCannotBeVariedIsNamed(String matrix, String expected) {
    assertThatThrownBy(() -> variants(matrix))
        .isInstanceOf(GloraException.class)
        .hasMessageStartingWith(folder.resolve("m.yaml") + ":")
        .hasMessageContaining(expected);
  }

  @Test
  void overrideOfAPartOfWhatIsVariedIsNamed() {
    assertThatThrownBy(() -> variants("matrix: {task: [{domain: x}]}", "task.domain=y"))
        .hasMessageContaining("an override sets task.domain, which the matrix varies by task;");
  }

  @Test
  void matrixThatIsTooLargeIsRefusedBeforeItIsMade() {
    String ten = ": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
    String matrix =
        "matrix: {training.steps"
            + ten
            + ", training.warmup_steps"
            + ten
            + ", training.batch_size"
            + ten
            + ", training.eval_batch_size"
            + ten
            + ", task.max_length"
            + ten
            + "}";

    assertThatThrownBy(() -> variants(matrix)).hasMessageContaining("has over 10000 variants");
  }
}
