package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.data.PreparedSet;
import dev.glora.data.Split;
import dev.glora.experiment.HeadSpec;
import dev.glora.experiment.TaskSpec;
import dev.glora.experiment.TrainingSpec;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.train.Checkpoint;
import dev.glora.train.Evaluation;
import dev.glora.train.Evaluator;
import dev.glora.train.ModelSession;
import dev.glora.train.StepStructure;
import dev.glora.train.TrainingLoop;
import dev.glora.train.Watch;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The tuned head on a frozen body: the body runs once over the data, the head is trained on its
 * features once for each learning rate, and the best by val is taken: by accuracy, then loss for a
 * class, else by loss. Where the task's last training sees val, too, the head is trained once more,
 * on both and at that rate.
 */
final class HeadRun implements FinalStages.Work {
  private static final String STAGE = "train";

  private final RunContext context;
  private final HeadSpec spec;
  private final Material features;
  private final boolean withVal;
  private int chosen;

  HeadRun(RunContext context, Material material, HeadSpec spec) {
    this.context = context;
    this.spec = spec;
    this.features = features(context, material, spec);
    this.withVal = context.run().experiment().task().withVal();
    this.chosen = context.done(STAGE).map(record -> record.path("chosen").asInt()).orElse(0);
  }

  private static Material features(RunContext context, Material material, HeadSpec spec) {
    JsonNode record =
        context.renewed(
            "features",
            0,
            watch -> {
              Map<String, Object> request = new LinkedHashMap<>();
              request.put("prepared", material.set().folder().toString());
              request.put("model_path", material.modelPath().toString());
              request.put("model_digest", material.modelDigest());
              request.put("cache", context.cache().toString());
              request.put("batch", spec.training().evalBatchSize());
              request.put("device", context.device());
              ObjectNode made = (ObjectNode) context.call("features", request);
              String summary = made.path("cached").asBoolean() ? "cached" : "computed";
              return made.put("summary", summary);
            });
    PreparedSet set = PreparedSet.open(Path.of(record.path("path").asText()));
    return new Material(set, material.modelPath(), material.modelDigest());
  }

  void run() {
    FinalStages.Plan plan =
        new FinalStages.Plan(
            STAGE,
            STAGE,
            true,
            (spec.learningRates().size() + (withVal ? 1L : 0L)) * spec.training().steps(),
            spec.training().evalBatchSize(),
            Optional.empty(),
            null);
    new FinalStages(context, features, plan, this)
        .run(() -> context.open("head", features, Map.of(), spec.training()));
    JsonNode record = context.done(STAGE).orElseThrow();
    ObjectNode head = Json.object().put("learning_rate", spec.learningRates().get(chosen));
    head.set("tried", record.path("tried"));
    context.store().record(context.id(), "head", head);
  }

  @Override
  public ObjectNode parameters(ModelSession model) {
    return ParameterSection.of(model.parameters(), 0, 0);
  }

  @Override
  public Checkpoint checkpoint() {
    return withVal ? context.checkpoint("head-final") : checkpoint(chosen);
  }

  @Override
  public ObjectNode train(ModelSession model, StageWatch watch) {
    ArrayNode tried = Json.array();
    Evaluator val =
        new Evaluator(model, features.set().val(), spec.training().evalBatchSize(), watch);
    Evaluation best = null;
    double[] losses = {};
    for (int i = 0; i < spec.learningRates().size(); i++) {
      double[] curve =
          train(
              model, spec.learningRates().get(i), features.set().train(), checkpoint(i), watch, i);
      Evaluation evaluation = val.evaluate();
      ObjectNode entry = tried.addObject().put("learning_rate", spec.learningRates().get(i));
      entry.setAll(evaluation.toJson());
      if (best == null || better(evaluation, best)) {
        best = evaluation;
        chosen = i;
        losses = curve;
      }
    }
    ObjectNode record = Json.object().put("chosen", chosen);
    record.set("tried", tried);
    if (withVal) {
      losses =
          train(
              model,
              spec.learningRates().get(chosen),
              features.fitted(context.run().experiment().task()),
              checkpoint(),
              watch,
              spec.learningRates().size());
      record.put("rows", TaskSpec.TRAIN_AND_VAL);
    }
    record.set("losses", RunContext.array(losses));
    return record;
  }

  /** By accuracy, then loss; by loss alone where a label is no class. */
  private boolean better(Evaluation one, Evaluation other) {
    int accuracy =
        features.set().target().isClass() ? Double.compare(one.accuracy(), other.accuracy()) : 0;
    return accuracy > 0 || (accuracy == 0 && one.loss() < other.loss());
  }

  private double[] train(
      ModelSession model,
      double learningRate,
      Split rows,
      Checkpoint checkpoint,
      StageWatch watch,
      int before) {
    model.reset(true, true, context.weightsSeed("weights"));
    TrainingSpec training = spec.training().withLearningRate(learningRate);
    return new TrainingLoop(
            model,
            rows,
            training,
            context.seed(),
            StepStructure.none(),
            checkpoint,
            new Later(watch, (long) before * training.steps()))
        .run();
  }

  private Checkpoint checkpoint(int i) {
    return context.checkpoint("head-" + i);
  }

  /** Counts the steps of one training on from those of the ones before it. */
  private record Later(StageWatch watch, long before) implements Watch {
    @Override
    public boolean cancelled() {
      return watch.cancelled();
    }

    @Override
    public GloraException cancellation() {
      return watch.cancellation();
    }

    @Override
    public void advance(long done, String note) {
      watch.advance(before + done, note);
    }

    @Override
    public void saved() {
      watch.saved();
    }
  }
}
