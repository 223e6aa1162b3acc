package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompositionTest {
  @TempDir Path folder;

  @BeforeEach
  void base() throws IOException {
    write(
        "base/base.yaml",
        """
        version: 1
        name: base
        model: {source: "local:/m", sha256: null}
        task: {source: "local:/d", domain: movies, split: {train: 400, val: 100}}
        training: {steps: 100, learning_rate: 1.0e-3, warmup_steps: 5}
        methods: [{method: head}, {method: lora}]
        """);
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private static Experiment read(Path file, String... overrides) {
    List<Experiment> variants = ExperimentReader.read(file, List.of(overrides));
    assertThat(variants).hasSize(1);
    return variants.get(0);
  }

  @Test
  void objectsAreMergedAndListsReplacedOverSeveralLevels() throws IOException {
    write(
        "middle.yaml",
        """
        version: 1
        extends: base/base.yaml
        name: middle
        training: {steps: 60}
        task: {split: {val: 50}}
        """);
    Path file =
        write(
            "deep/top.yaml",
            """
            version: 1
            extends: ../middle.yaml
            name: top
            methods: [{method: head}]
            training: {batch_size: 8}
            """);

    Experiment read = read(file, "training.warmup_steps=6");

    assertThat(read.name()).isEqualTo("top");
    assertThat(read.training().steps()).isEqualTo(60);
    assertThat(read.training().batchSize()).isEqualTo(8);
    assertThat(read.training().warmupSteps()).isEqualTo(6);
    assertThat(read.task().split()).isEqualTo(new SplitSpec(400, 50, 2000, 0, null, false));
    assertThat(read.methods()).extracting(MethodSpec::label).containsExactly("head");
  }

  @Test
  void laterFileOfSeveralLiesOverTheEarlierOne() throws IOException {
    write("slow.yaml", "version: 1\ntraining: {steps: 900, batch_size: 16}\n");
    Path file = write("top.yaml", "version: 1\nextends: [base/base.yaml, slow.yaml]\nname: top\n");

    assertThat(read(file).training().steps()).isEqualTo(900);
    assertThat(read(file).training().learningRate()).isEqualTo(1e-3);
    assertThat(read(file).training().batchSize()).isEqualTo(16);
  }

  @Test
  void sourceIsReplacedWithItsDigest() throws IOException {
    Path file =
        write("top.yaml", "version: 1\nextends: base/base.yaml\nmodel: {source: 'local:/other'}\n");
    write(
        "base/base.yaml",
        Files.readString(folder.resolve("base/base.yaml"))
            .replace("sha256: null", "sha256: " + "0".repeat(64)));

    assertThat(read(file).model()).isEqualTo(new SourceSpec("local:/other", null));
  }

  @Test
  void composedExperimentHasTheKeysOfTheSameWrittenInOne() throws IOException {
    Path top = write("top.yaml", "version: 1\nextends: base/base.yaml\ntraining: {steps: 60}\n");
    Path one =
        write(
            "one.yaml",
            Files.readString(folder.resolve("base/base.yaml")).replace("steps: 100", "steps: 60"));

    Planner planner = new Planner("code");

    assertThat(planner.plan(read(top)))
        .extracting(PlannedRun::key)
        .isEqualTo(planner.plan(read(one)).stream().map(PlannedRun::key).toList());
  }

  @Test
  void errorNamesTheFileThatHoldsTheValue() throws IOException {
    write("middle.yaml", "version: 1\nextends: base/base.yaml\ntraining: {steps: none}\n");
    Path file = write("top.yaml", "version: 1\nextends: middle.yaml\ntraining: {batch_size: 4}\n");

    assertThatThrownBy(() -> read(file))
        .isInstanceOf(GloraException.class)
        .hasMessageStartingWith(folder.resolve("middle.yaml") + ":3:19: training.steps is");
  }

  @Test
  void circleIsNamed() throws IOException {
    write("a.yaml", "version: 1\nextends: sub/../b.yaml\n");
    Files.createDirectories(folder.resolve("sub"));
    Path file = write("b.yaml", "version: 1\nextends: a.yaml\n");

    assertThatThrownBy(() -> read(file))
        .hasMessageStartingWith(folder.resolve("a.yaml") + ":2:10: extends: ")
        .hasMessageContaining("extends itself through the files that it names; end the circle.");
  }

  @Test
  void filesThatNameEachOtherManyTimesAreRefused() throws IOException {
    write("l0.yaml", "version: 1\n");
    for (int i = 1; i <= 12; i++) {
      String below = "l" + (i - 1) + ".yaml";
      write("l" + i + ".yaml", "version: 1\nextends: [" + below + ", " + below + "]\n");
    }

    assertThatThrownBy(() -> read(folder.resolve("l12.yaml")))
        .hasMessageContaining("extends leads to more than 64 files; extend fewer.");
  }

  @Test
  void whatCannotBeExtendedIsNamed() throws IOException {
    Path missing = write("missing.yaml", "version: 1\nextends: [base/base.yaml, none.yaml]\n");
    Path wrong = write("wrong.yaml", "version: 1\nextends: {file: base.yaml}\n");
    write("old.yaml", "training: {steps: 3}\n");
    Path old = write("unversioned.yaml", "version: 1\nextends: old.yaml\n");
    write("list.yaml", "[1]\n");
    Path list = write("of-list.yaml", "version: 1\nextends: list.yaml\n");

    assertThatThrownBy(() -> read(missing))
        .hasMessageStartingWith(missing + ":2:27: extends: There is no file");
    assertThatThrownBy(() -> read(wrong))
        .hasMessageContaining("extends is an object, expected the path of an experiment file");
    assertThatThrownBy(() -> read(old))
        .hasMessageStartingWith(folder.resolve("old.yaml") + ":1:1: ")
        .hasMessageContaining("has no version: 1");
    assertThatThrownBy(() -> read(list)).hasMessageContaining("is a list of 1, expected an object");
  }

  @Test
  void extendsIsNoOverride() {
    assertThatThrownBy(() -> read(folder.resolve("base/base.yaml"), "extends=x.yaml"))
        .hasMessageStartingWith("the override extends=x.yaml: extends belongs into a file");
  }

  @Test
  void markOfTheByteOrderIsSkipped() throws IOException {
    Path file = folder.resolve("base/base.yaml");
    Files.writeString(file, "\ufeff" + Files.readString(file));

    assertThat(read(file).name()).isEqualTo("base");
  }
}
