package dev.glora.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Valid experiments of all sorts, for what breaks them. */
public final class ValidExperiments {
  private static final String BASE =
      """
      version: 1
      model: {source: "local:/models/tiny", sha256: null}
      task: {source: "local:/data/tiny", domain: movies}
      training: {steps: 200, batch_size: 16}
      """;

  private static final String VARIED =
      """
      version: 1
      extends: base.yaml
      name: varied
      seeds: [0, 1]
      matrix:
        task: [{domain: movies}, {domain: tweets, max_length: 32}]
        training.learning_rate: [1.0e-3, 5.0e-4]
        methods.glora.max_parameters: [80000, 165888]
      methods: [{method: head}, {method: glora}]
      """;

  private static final String ALIASED =
      """
      version: 1
      name: aliased
      model: "local:/models/tiny"
      task: {source: "local:/data/tiny", domain: movies}
      training: &shared {steps: 300, warmup_steps: 10}
      methods:
        - {method: lora, training: *shared, rank: 8}
        - method: glora
          finetune: *shared
          forms: {A: [none], B: [none, lora]}
          supernet: {sampling: {largest_steps: 20, B: {none: 1, lora: 3}}}
          search: {strategy: none, start: taylor}
      """;

  private ValidExperiments() {}

  /**
   * The texts.
   *
   * @param folder gets the file {@code base.yaml} that one of them extends
   */
  public static List<String> write(Path folder) throws IOException {
    Files.writeString(folder.resolve("base.yaml"), BASE);
    List<String> texts = new ArrayList<>(List.of(VARIED, ALIASED));
    Path root = Path.of(System.getProperty("glora.root"));
    texts.add(Files.readString(root.resolve(Path.of("experiments", "quickstart.yaml"))));
    try (var in = ValidExperiments.class.getResourceAsStream("/quickstart-like.yaml")) {
      texts.add(new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
    }
    texts.add(
        "{\"version\": 1, \"name\": \"json\", \"model\": \"local:/m\", \"seeds\": [3], \"task\":"
            + " {\"source\": \"local:/d\", \"domain\": \"x\"}, \"methods\": [{\"method\":"
            + " \"lora\"}]}");
    return texts;
  }
}
