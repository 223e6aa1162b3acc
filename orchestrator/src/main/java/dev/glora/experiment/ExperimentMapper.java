package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;

/** Reads the records from an experiment in which everything is written out. */
final class ExperimentMapper {
  private ExperimentMapper() {}

  static Experiment experiment(JsonNode all, List<Setting> variant) {
    JsonNode runtime = all.get("runtime");
    JsonNode task = all.get("task");
    JsonNode split = task.get("split");
    return new Experiment(
        all.get("name").textValue(),
        list(all.get("seeds"), JsonNode::longValue),
        new RuntimeSpec(
            runtime.get("device").textValue(),
            runtime.get("threads").intValue(),
            runtime.get("dtype").textValue(),
            runtime.path("precision").asText(RuntimeSpec.FLOAT32),
            number(runtime.path("workers")),
            list(runtime.path("devices"), JsonNode::textValue),
            number(runtime.path("attempts"))),
        source(all.get("model")),
        new TaskSpec(
            source(task.get("source")),
            task.get("domain").textValue(),
            new SplitSpec(
                split.get("train").intValue(),
                split.get("val").intValue(),
                split.get("test").intValue(),
                split.get("seed").longValue(),
                split.has("shots") ? split.get("shots").intValue() : null,
                split.path("stratified").asBoolean()),
            task.get("max_length").intValue(),
            task.get("threshold").doubleValue(),
            task.path("target").asText("class"),
            task.path("text_column").textValue(),
            task.path("label_column").textValue(),
            task.path("label_separator").textValue(),
            task.path("prompt").textValue(),
            task.get("label_words"),
            task.path("format").textValue(),
            task.path("template").textValue(),
            task.path("packing").asBoolean(),
            task.path("pair_column").textValue(),
            task.path("split_column").textValue(),
            task.path("overlap").textValue(),
            task.path("too_long").textValue(),
            task.path("normalisation").textValue(),
            list(
                task.path("tests"),
                test ->
                    new TestSpec(
                        test.path("name").textValue(),
                        test.path("source").textValue(),
                        test.path("domain").textValue())),
            task.path("fit").asText("train")),
        training(all.get("training")),
        list(all.get("methods"), ExperimentMapper::method),
        list(all.path("evaluate"), BenchmarkSpec::of),
        variant,
        all);
  }

  private static MethodSpec method(JsonNode method) {
    String label = method.get("label").textValue();
    TrainingSpec training = training(method.get("training"));
    return switch (method.get("method").textValue()) {
      case "head" ->
          new HeadSpec(label, training, list(method.get("learning_rates"), JsonNode::doubleValue));
      case "glora" -> glora(label, training, method);
      default -> direct(label, training, method);
    };
  }

  private static DirectSpec direct(String label, TrainingSpec training, JsonNode method) {
    ObjectNode settings = method.deepCopy();
    settings.remove(List.of("method", "label", "training"));
    return new DirectSpec(label, training, method.get("method").textValue(), settings);
  }

  private static GloraSpec glora(String label, TrainingSpec training, JsonNode method) {
    JsonNode supernet = method.get("supernet");
    return new GloraSpec(
        label,
        training,
        method.path("recipe").asText(Recipe.DEFAULT.id()),
        list(method.get("ranks"), JsonNode::intValue),
        method.get("forms"),
        method.get("a_product").textValue(),
        method.path("rate_ratio").asDouble(1),
        method.get("targets").textValue(),
        list(method.get("exclude"), JsonNode::textValue),
        limit(method.get("min_parameters")),
        limit(method.get("max_parameters")),
        method.get("count").textValue(),
        method.get("structure"),
        new SupernetSpec(training(supernet.get("training")), sampling(supernet.get("sampling"))),
        SearchSpec.of(method.get("search")),
        list(method.get("final"), mode -> FinalMode.of(mode.textValue())),
        FinalMode.of(method.get("primary").textValue()),
        training(method.get("finetune")),
        training(method.get("retrain")));
  }

  private static SamplingSpec sampling(JsonNode sampling) {
    Map<Character, Map<String, Double>> weights = new LinkedHashMap<>();
    for (String tensor : Defaults.TENSORS) {
      Map<String, Double> forms = new LinkedHashMap<>();
      sampling
          .get(tensor)
          .properties()
          .forEach(form -> forms.put(form.getKey(), form.getValue().doubleValue()));
      weights.put(tensor.charAt(0), forms);
    }
    return new SamplingSpec(
        sampling.get("largest_steps").intValue(),
        sampling.get("largest_probability").doubleValue(),
        weights);
  }

  private static TrainingSpec training(JsonNode training) {
    return new TrainingSpec(
        training.get("steps").intValue(),
        training.get("batch_size").intValue(),
        training.get("eval_batch_size").intValue(),
        training.get("learning_rate").doubleValue(),
        training.get("warmup_steps").intValue(),
        training.get("final_learning_rate").doubleValue(),
        training.get("weight_decay").doubleValue(),
        training.get("clip_norm").doubleValue(),
        training.get("dropout").doubleValue(),
        training.get("checkpoint_every").intValue(),
        training.path("accumulate").asInt(1),
        training.path("gradient_checkpointing").asBoolean());
  }

  private static SourceSpec source(JsonNode source) {
    return new SourceSpec(source.get("source").textValue(), source.get("sha256").textValue());
  }

  private static Long limit(JsonNode value) {
    return value.isNull() ? null : value.longValue();
  }

  private static OptionalInt number(JsonNode value) {
    return value.isNumber() ? OptionalInt.of(value.intValue()) : OptionalInt.empty();
  }

  private static <T> List<T> list(JsonNode array, Function<JsonNode, T> read) {
    List<T> out = new ArrayList<>();
    array.forEach(item -> out.add(read.apply(item)));
    return out;
  }
}
