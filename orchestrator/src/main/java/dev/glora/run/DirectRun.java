package dev.glora.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.data.Split;
import dev.glora.data.Target;
import dev.glora.experiment.DirectSpec;
import dev.glora.experiment.TrainingSpec;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.train.Checkpoint;
import dev.glora.train.ModelSession;
import dev.glora.train.StepStructure;
import dev.glora.train.TrainingLoop;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A method without a choice to make, with the same steps and batches as the others. */
final class DirectRun implements FinalStages.Work {
  private static final String STAGE = "train";

  private final RunContext context;
  private final Material material;
  private final DirectSpec spec;
  private final TrainingSpec training;
  private final Checkpoint checkpoint;

  DirectRun(RunContext context, Material material, DirectSpec spec) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.training =
        spec.method().equals(DirectSpec.MAJORITY) ? spec.training().withSteps(0) : spec.training();
    this.checkpoint = context.checkpoint(STAGE);
  }

  void run() {
    FinalStages.Plan plan =
        new FinalStages.Plan(
            STAGE, STAGE, true, training.steps(), training.evalBatchSize(), Optional.empty(), null);
    new FinalStages(context, material, plan, this)
        .run(() -> context.open(spec.method(), material, settings(), training));
  }

  private Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    spec.settings()
        .properties()
        .forEach(entry -> settings.put(entry.getKey(), ModelSession.plain(entry.getValue())));
    if (spec.method().equals(DirectSpec.MAJORITY)) {
      Target.Kind kind = material.set().target().kind();
      if (kind != Target.Kind.CLASS) {
        throw GloraException.usage(
            "The method majority has a target of the kind "
                + kind.id()
                + ", expected class, of which there is a most frequent one: leave the method out.");
      }
      Split rows = material.fitted(context.run().experiment().task());
      settings.put("counts", counts(rows, material.set().labels().size()));
    } else {
      // A method that changes its rank on the way must know how long the way is.
      settings.put("steps", training.steps());
    }
    return settings;
  }

  private static List<Integer> counts(Split rows, int classes) {
    Integer[] counts = new Integer[classes];
    Arrays.fill(counts, 0);
    for (int row = 0; row < rows.rows(); row++) {
      counts[rows.label(row)]++;
    }
    return List.of(counts);
  }

  @Override
  public ObjectNode parameters(ModelSession model) {
    ModelSession.Counts counts = model.counts();
    return ParameterSection.of(model.parameters(), counts.stored(), counts.folded());
  }

  @Override
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  @Override
  public ObjectNode train(ModelSession model, StageWatch watch) {
    double[] losses =
        new TrainingLoop(
                model,
                material.fitted(context.run().experiment().task()),
                training,
                context.seed(),
                StepStructure.none(),
                checkpoint,
                watch)
            .run();
    ObjectNode record = Json.object().put("rows", context.run().experiment().task().fit());
    record.set("losses", RunContext.array(losses));
    return record;
  }
}
