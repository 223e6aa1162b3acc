package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.data.SealedTest;
import dev.glora.data.Split;
import dev.glora.experiment.BenchmarkSpec;
import dev.glora.experiment.RuntimeSpec;
import dev.glora.experiment.TaskSpec;
import dev.glora.files.AtomicFile;
import dev.glora.files.FileDigest;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.search.Structure;
import dev.glora.train.Checkpoint;
import dev.glora.train.Evaluation;
import dev.glora.train.Evaluator;
import dev.glora.train.ModelSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * From trained weights to a tested model: train (or take over), evaluate on val, export the
 * adapter, merge and check, export the merged model, open test once.
 *
 * <p>Each stage starts from the weights on disk, so it does not matter in which process the one
 * before it ran.
 */
final class FinalStages {
  /** What differs from method to method. */
  interface Work {
    /**
     * Counts the entries of what is trained.
     *
     * @param model an opened model
     * @return the {@code parameters} section of the store
     */
    ObjectNode parameters(ModelSession model);

    /**
     * Trains, with checkpoints.
     *
     * @param model an opened model
     * @param watch told and asked after every step
     * @return the record of the training, with {@code losses} where there are some
     */
    ObjectNode train(ModelSession model, StageWatch watch);

    /**
     * Where the trained weights lie, once {@link #train} is done.
     *
     * @return the checkpoint, whose weights {@link ModelSession#load} reads
     */
    Checkpoint checkpoint();
  }

  /**
   * What a final is about.
   *
   * @param stage name of its training stage
   * @param mode name of the final
   * @param primary whether it is the one that counts
   * @param steps steps of its training
   * @param evalBatch rows of an evaluation's batch
   * @param structure the structure, for methods that have one
   * @param structureDigest its digest, or null
   */
  record Plan(
      String stage,
      String mode,
      boolean primary,
      long steps,
      int evalBatch,
      Optional<Structure> structure,
      String structureDigest) {}

  private final RunContext context;
  private final Material material;
  private final Plan plan;
  private final Work work;
  private boolean merged;

  FinalStages(RunContext context, Material material, Plan plan, Work work) {
    this.context = context;
    this.material = material;
    this.plan = plan;
    this.work = work;
  }

  /**
   * Does what is left of the three stages.
   *
   * @param opener opens the model, called only if something is left
   */
  void run(Supplier<ModelSession> opener) {
    stages(opener);
    if (!context.run().experiment().evaluate().isEmpty()) {
      context.stage("evaluate:" + plan.mode(), 0, watch -> evaluate());
      stages(opener);
    }
  }

  private void stages(Supplier<ModelSession> opener) {
    String mergeStage = "merge:" + plan.mode();
    String testStage = "test:" + plan.mode();
    Optional<JsonNode> trained = context.done(plan.stage());
    Optional<JsonNode> checked = context.done(mergeStage);
    Optional<JsonNode> tested = context.done(testStage);
    if (trained.isPresent() && checked.isPresent() && tested.isPresent()) {
      record(trained.get(), checked.get(), tested.get());
      return;
    }
    try (ModelSession model = opener.get()) {
      JsonNode training = context.stage(plan.stage(), plan.steps(), watch -> train(model, watch));
      record(training, Json.MISSING, Json.MISSING);
      load(model);
      JsonNode merge =
          context.stage(mergeStage, 2L * material.set().val().rows(), watch -> merge(model, watch));
      record(training, merge, Json.MISSING);
      JsonNode test = context.stage(testStage, testRows(), watch -> test(model, watch));
      record(training, merge, test);
    }
  }

  /** Lets the merged model, loaded anew from its folder, answer the experiment's questions. */
  private ObjectNode evaluate() {
    RuntimeSpec runtime = context.run().experiment().runtime();
    ObjectNode record = Json.object();
    ObjectNode results = record.putObject("evaluate");
    for (BenchmarkSpec benchmark : context.run().experiment().evaluate()) {
      Map<String, Object> request = new LinkedHashMap<>();
      request.put("model_path", context.folder().model(plan.mode()).toString());
      request.put("name", benchmark.name());
      request.put("format", benchmark.format());
      request.put("source", benchmark.source());
      request.put("shots", benchmark.shots());
      request.put("examples", benchmark.examples());
      request.put("limit", benchmark.limit() == 0 ? null : benchmark.limit());
      request.put("batch_size", plan.evalBatch());
      request.put("device", context.device());
      request.put("precision", runtime.precision());
      request.put("cache", context.cache().toString());
      JsonNode found = context.call("choices", request);
      found
          .properties()
          .forEach(
              metric -> results.set(benchmark.name() + "." + metric.getKey(), metric.getValue()));
    }
    List<String> words = new ArrayList<>();
    results
        .properties()
        .forEach(
            entry ->
                words.add(
                    String.format(
                        Locale.ROOT, "%s %.3f", entry.getKey(), entry.getValue().asDouble())));
    return record.put("summary", String.join(", ", words));
  }

  private long testRows() {
    return material.set().description().at("/splits/test/rows").asLong();
  }

  private void load(ModelSession model) {
    model.load(work.checkpoint().weights());
    plan.structure().ifPresent(model::structure);
  }

  private ObjectNode train(ModelSession model, StageWatch watch) {
    ObjectNode record = work.train(model, watch);
    load(model);
    Evaluation val = evaluator(model, material.set().val(), watch).evaluate();
    watch.unmeasured();
    JsonNode adapter = model.exportAdapter(context.folder().adapter(plan.mode()));
    ObjectNode parameters = work.parameters(model);
    long expected = parameters.path("stored").asLong();
    if (adapter.path("entries").asLong() != expected) {
      throw GloraException.failed(
          "The adapter has "
              + adapter.path("entries")
              + " entries and its structure counts "
              + expected
              + ": this is a defect of glora, please report it.");
    }
    record.set("parameters", parameters);
    enter(record, "val", val);
    record.set("adapter", adapter);
    context.files(record, work.checkpoint());
    addFolder(record, context.folder().adapter(plan.mode()));
    return record.put("summary", "val " + summary(val));
  }

  private ObjectNode merge(ModelSession model, StageWatch watch) {
    Evaluator val = evaluator(model, material.set().val(), watch);
    Evaluation before = val.evaluate(done -> watch.advance(done, "adapted"));
    watch.unmeasured();
    JsonNode change = model.merge();
    merged = true;
    Evaluation after = val.evaluate(done -> watch.advance(before.rows() + done, "merged"));
    double difference = before.maxDifference(after);
    int identical = before.identicalPredictions(after);
    int rows = before.rows();
    RuntimeSpec runtime = context.run().experiment().runtime();
    double tolerance =
        Evaluation.ROUNDING * runtime.rounding() * material.set().target().deviation();
    // In half precision a row on the border may fall to the other side: that is recorded.
    boolean flipped = identical != rows && runtime.isFloat32();
    // Written so that a difference that is not a number fails.
    if (!(difference <= tolerance) || flipped) {
      throw GloraException.failed(
          String.format(
              Locale.ROOT,
              "The merged model differs from the adapted one: the logits on val by up to %.2e (at"
                  + " most %.0e is rounding) and %d of %d predictions agree, so it was not saved;"
                  + " the adapter in %s is whole and can be used unmerged.",
              difference,
              tolerance,
              identical,
              rows,
              context.folder().adapter(plan.mode())));
    }
    watch.unmeasured();
    Path folder = context.folder().model(plan.mode());
    JsonNode exported = model.exportMerged(folder);
    ObjectNode record = Json.object();
    record
        .putObject("merge")
        .put("max_abs_diff", difference)
        .put("identical", identical)
        .put("rows", rows);
    record.set("weights", change);
    enter(record, "val", after);
    record.set("digest", exported.path("digest"));
    addFolder(record, folder);
    return record.put(
        "summary",
        String.format(
            Locale.ROOT,
            "%d of %d predictions equal, logits within %.1e",
            identical,
            rows,
            difference));
  }

  private ObjectNode test(ModelSession model, StageWatch watch) {
    if (!merged) {
      // Another process merged and exported; the same weights give the same merged model.
      model.merge();
      merged = true;
    }
    SealedTest sealed = new SealedTest(material.set());
    SealedTest.Opened opened =
        sealed.open(() -> context.store().openTest(context.id(), plan.mode(), Instant.now()));
    Evaluation evaluation =
        evaluator(model, opened.test(), watch).evaluate(done -> watch.advance(done, ""));
    ObjectNode record = Json.object();
    enter(record, "test", evaluation);
    ObjectNode further = record.putObject("further");
    opened
        .further()
        .forEach(
            (name, rows) -> {
              ObjectNode own = Json.object();
              enter(own, name, evaluator(model, rows, watch).evaluate());
              further.set(name, own.path(name));
            });
    Path predictions = context.folder().predictions(plan.mode());
    List<String> names = material.set().labels();
    StringBuilder lines = new StringBuilder();
    for (int row = 0; row < evaluation.rows(); row++) {
      lines.append(Json.text(evaluation.row(row, names))).append('\n');
    }
    AtomicFile.write(predictions, lines.toString());
    context.file(record, predictions);
    record
        .putObject("predictions")
        .put("file", context.folder().path().relativize(predictions).toString())
        .put("sha256", FileDigest.of(predictions))
        .put("data", material.set().digest());
    return record.put("summary", "test " + summary(evaluation));
  }

  private Evaluator evaluator(ModelSession model, Split split, StageWatch watch) {
    return new Evaluator(model, split, plan.evalBatch(), watch);
  }

  private void enter(ObjectNode record, String split, Evaluation evaluation) {
    record.set(split, evaluation.toJson());
    record.withObject("/undefined").set(split, evaluation.undefined());
    record.withObject("/per_class").set(split, evaluation.perClass(material.set().labels()));
  }

  private String summary(Evaluation evaluation) {
    return Scores.of(material.set().target(), evaluation.accuracy(), evaluation.loss());
  }

  /** Enters what is known of the final; entering it again changes nothing. */
  private void record(JsonNode training, JsonNode merge, JsonNode test) {
    if (training.has("losses")) {
      context.curve(plan.stage(), training.path("losses"));
    }
    ObjectNode record = Json.object().put("mode", plan.mode()).put("primary", plan.primary());
    record.set("parameters", training.path("parameters"));
    if (training.path("rows").asText().equals(TaskSpec.TRAIN_AND_VAL)) {
      // Its metrics on val are of rows that it was trained on.
      record.put("trained_on", TaskSpec.TRAIN_AND_VAL);
    }
    if (plan.primary()) {
      context.store().record(context.id(), "parameters", training.path("parameters"));
    }
    ObjectNode metrics = record.putObject("metrics");
    metrics.set("val", training.path("val"));
    for (String beside : new String[] {"undefined", "per_class"}) {
      ObjectNode both = record.putObject(beside);
      copy(training.path(beside), both);
      copy(test.path(beside), both);
    }
    ObjectNode digests = record.putObject("digests").put("structure", plan.structureDigest());
    digests.set("adapter", training.path("adapter").path("digest"));
    if (!merge.isMissingNode()) {
      record.set("merge", merge.path("merge"));
      digests.set("merged", merge.path("digest"));
    }
    if (!test.isMissingNode()) {
      metrics.set("test", test.path("test"));
      copy(test.path("further"), metrics);
    }
    context
        .done("evaluate:" + plan.mode())
        .ifPresent(scored -> metrics.set("evaluate", scored.path("evaluate")));
    if (test.has("predictions")) {
      record.set("predictions", test.path("predictions"));
    }
    context.store().addFinal(context.id(), plan.mode(), plan.primary(), record);
  }

  private static void copy(JsonNode from, ObjectNode to) {
    from.properties().forEach(entry -> to.set(entry.getKey(), entry.getValue()));
  }

  private void addFolder(ObjectNode record, Path folder) {
    try (var inside = Files.newDirectoryStream(folder)) {
      for (Path file : inside) {
        if (Files.isRegularFile(file)) {
          context.file(record, file);
        }
      }
    } catch (IOException e) {
      throw GloraException.failed("The folder " + folder + " cannot be read: " + e, e);
    }
  }
}
