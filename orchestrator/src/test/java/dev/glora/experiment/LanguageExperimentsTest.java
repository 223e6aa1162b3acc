package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The committed experiments with language models can be planned without their data. */
class LanguageExperimentsTest {
  private static List<Experiment> variants(String file) {
    Path root = Path.of(System.getProperty("glora.root"), "experiments");
    return ExperimentReader.read(root.resolve(file), List.of());
  }

  private static List<String> planned(String file) {
    return new Planner("code")
        .plan(variants(file)).stream()
            .map(run -> run.experiment().task().domain() + "/" + run.method().label())
            .toList();
  }

  @Test
  void thePapersTablesArePlanned() {
    assertThat(planned("paper/llama-7b.yaml"))
        .containsExactly("alpaca/lora", "alpaca/glora", "sharegpt/lora", "sharegpt/glora");
    assertThat(planned("paper/llama-2-7b.yaml")).containsExactly("sharegpt/lora", "sharegpt/glora");
  }

  @Test
  void publishedNumbersOfExamplesAreKept() {
    for (Experiment each : variants("paper/llama-2-7b.yaml")) {
      assertThat(each.evaluate())
          .extracting(BenchmarkSpec::format, BenchmarkSpec::shots)
          .containsExactly(
              tuple("arc", 25), tuple("hellaswag", 10), tuple("mmlu", 5), tuple("truthfulqa", 0));
      assertThat(each.model().source()).isEqualTo("hf:meta-llama/Llama-2-7b-hf");
      assertThat(each.training().accumulate()).isEqualTo(32);
    }
  }

  @Test
  void theOfflineExperimentGivesGloraWhatLoraHas() {
    assertThat(planned("offline/language.yaml")).containsExactly("movies/lora", "movies/glora");
    GloraSpec glora = (GloraSpec) variants("offline/language.yaml").get(0).methods().get(1);
    // Rank 4 at q, k, v, o, gate, up and down of 30 blocks of widths 576, 192 and 1,536.
    long sites = 4L * (1152 + 768 + 768 + 1152 + 2112 + 2112 + 2112);
    assertThat(glora.maxParameters()).isEqualTo(30 * sites);
  }
}
