package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever a file holds, it is planned or refused in one sentence. A failure tells the seed of its
 * mutant.
 */
// Against a reader that hangs, not for its speed.
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MutatedExperimentsTest {
  private static final int MUTANTS = 12_000;
  private static final int OVERRIDES = 3_000;

  @TempDir Path folder;

  @Test
  void validTextsArePlanned() throws IOException {
    Path file = folder.resolve("valid.yaml");
    for (String text : ValidExperiments.write(folder)) {
      Files.writeString(file, text);
      assertThat(new Planner("code").plan(ExperimentReader.read(file, List.of()))).isNotEmpty();
    }
  }

  @Test
  void mutantIsPlannedOrRefusedInOneSentence() throws IOException {
    List<String> texts = ValidExperiments.write(folder);
    Path file = folder.resolve("mutant.yaml");
    Map<String, Integer> kinds = new HashMap<>();
    int valid = 0;
    for (int seed = 0; seed < MUTANTS; seed++) {
      byte[] mutant = new ExperimentMutator(seed).mutate(texts.get(seed % texts.size()));
      Files.write(file, mutant);
      String refusal = planOrRefusal(file, List.of(), "the mutant of seed " + seed);
      if (refusal.isEmpty()) {
        valid++;
      } else {
        assertThat(refusal).as("seed %d", seed).startsWith(folder.toString());
        kinds.merge(refusal.replaceAll("^\\S+ |\\d+|\"[^\"]*\"", ""), 1, Integer::sum);
      }
    }

    // A fuzzer that only makes one kind of damage would prove little.
    assertThat(valid).isBetween(MUTANTS / 20, MUTANTS / 2);
    assertThat(kinds).hasSizeGreaterThan(100);
  }

  @Test
  void mutatedOverrideIsPlannedOrRefusedInOneSentence() throws IOException {
    Path file = folder.resolve("valid.yaml");
    Files.writeString(file, ValidExperiments.write(folder).get(0));
    List<String> settings =
        List.of(
            "training.steps=100",
            "methods.glora.ranks=[1, 2]",
            "methods[1].search={population: 4, parents: 2, mutations: 2, crossovers: 2}",
            "matrix.task.domain=[movies, tweets]",
            "task={source: 'local:/d', domain: x}",
            "seeds=[0, 1]");
    for (int seed = 0; seed < OVERRIDES; seed++) {
      byte[] mutant = new ExperimentMutator(seed).mutate(settings.get(seed % settings.size()));
      String override = new String(mutant, StandardCharsets.UTF_8);

      planOrRefusal(file, List.of(override), "the override of seed " + seed + ": " + override);
    }
  }

  /** The refusal's sentence, empty where the experiment is planned. */
  private static String planOrRefusal(Path file, List<String> overrides, String what) {
    try {
      List<PlannedRun> plan = new Planner("code").plan(ExperimentReader.read(file, overrides));
      assertThat(plan).as(what).isNotEmpty();
      for (PlannedRun run : plan) {
        assertThat(run.id()).as(what).matches("[A-Za-z0-9][A-Za-z0-9._-]+-s\\d+-[0-9a-f]{8}");
      }
      return "";
    } catch (GloraException e) {
      assertThat(e.code()).as(what).isEqualTo(ExitCode.USAGE);
      assertThat(e.sentence())
          .as(what)
          .matches("(?s)[^\\n\\r]*[.?]")
          .hasSizeLessThan(1000 + file.toString().length());
      return e.sentence();
    } catch (RuntimeException | StackOverflowError e) {
      throw new AssertionError(what + " broke the reader", e);
    }
  }
}
