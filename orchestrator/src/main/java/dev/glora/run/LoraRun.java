package dev.glora.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.LoraSpec;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.train.Checkpoint;
import dev.glora.train.ModelSession;
import dev.glora.train.StepStructure;
import dev.glora.train.TrainingLoop;
import java.util.Map;
import java.util.Optional;

/** PEFT's LoRA at the linears that GLoRA has, with the same steps and batches. */
final class LoraRun implements FinalStages.Work {
  private static final String STAGE = "train";

  private final RunContext context;
  private final Material material;
  private final LoraSpec spec;
  private final Checkpoint checkpoint;

  LoraRun(RunContext context, Material material, LoraSpec spec) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.checkpoint = context.checkpoint(STAGE);
  }

  void run() {
    FinalStages.Plan plan =
        new FinalStages.Plan(
            STAGE,
            STAGE,
            true,
            spec.training().steps(),
            spec.training().evalBatchSize(),
            Optional.empty(),
            null);
    Map<String, Object> settings = Map.of("rank", spec.rank(), "alpha", spec.alpha());
    new FinalStages(context, material, plan, this)
        .run(() -> context.open("lora", material, settings, spec.training()));
  }

  @Override
  public ObjectNode parameters(ModelSession model) {
    long adapter = model.parameters().adapter();
    return ParameterSection.of(model.parameters(), adapter, adapter);
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
                material.set().train(),
                spec.training(),
                context.seed(),
                StepStructure.none(),
                checkpoint,
                watch)
            .run();
    ObjectNode record = Json.object();
    record.set("losses", RunContext.array(losses));
    return record;
  }
}
