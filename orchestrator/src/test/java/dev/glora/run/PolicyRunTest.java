package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.api.Answer;
import dev.glora.api.Glora;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole run whose structures a Python file proposes, in GraalPy's sandbox beside PyTorch. */
class PolicyRunTest {
  @TempDir static Path temp;

  @Test
  void aPolicysStructuresAreTrainedMergedAndRepeated() throws Exception {
    Path material = Tiny.write(temp.resolve("material"));
    Path policies = Files.createDirectories(temp.resolve("policies"));
    Path policy = policies.resolve("climb.py");
    Files.copy(Tiny.ROOT.resolve("experiments/policies/climb.py"), policy);
    Path file = temp.resolve("tiny.yaml");
    String model = "\"local:" + material.resolve("model") + "\"";
    Files.writeString(file, Tiny.searchOnly(Tiny.yaml(model, material, 8, 10, 4, 4)));
    Glora glora = Tiny.glora(temp, "runs").build();
    String[] overrides = {
      "methods.glora.search.strategy=policy",
      "methods.glora.search.policy={file: \"" + policy + "\"}",
      "methods.glora.final=[inherit]",
      "methods.glora.primary=inherit",
    };
    Answer ran = glora.run(file, overrides);
    assertThat(ran.at("/runs/0/status").asText()).isEqualTo("finished");
    String run = ran.at("/runs/0/run").asText();
    Answer shown = glora.show(run);
    assertThat(shown.at("/digests/structure").asText()).hasSize(64);
    assertThat(shown.at("/metrics/test/accuracy").isNumber()).isTrue();

    // The file has changed since: the run is repeated with the policy that it had.
    Files.writeString(policy, "def ask(state):\n  return []\n");
    Answer plan = glora.plan(file, overrides);
    assertThat(plan.at("/runs/0/state").asText()).isNotEqualTo("done");
    Answer again = glora.reproduce(run, 0);
    assertThat(again.at("/reproduced").asBoolean()).isTrue();
    assertThat(again.at("/digests")).isEmpty();
  }
}
