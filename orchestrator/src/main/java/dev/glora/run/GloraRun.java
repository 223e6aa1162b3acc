package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.FinalMode;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.TrainingSpec;
import dev.glora.files.AtomicFile;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.search.Limits;
import dev.glora.search.ParameterCount;
import dev.glora.search.SearchSpace;
import dev.glora.search.Structure;
import dev.glora.search.StructureSampler;
import dev.glora.train.Checkpoint;
import dev.glora.train.ModelSession;
import dev.glora.train.StepStructure;
import dev.glora.train.TrainingLoop;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** GLoRA: supernet and search, or a given structure, and the finals of the winner. */
final class GloraRun {
  private static final String SUPERNET = "supernet";

  private final RunContext context;
  private final Material material;
  private final GloraSpec spec;
  private final Checkpoint supernet;

  /** The supernet's weights as the search and the finals inherit them. */
  private final Checkpoint inherited;

  GloraRun(RunContext context, Material material, GloraSpec spec) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.supernet = context.checkpoint(SUPERNET);
    this.inherited =
        spec.search().start().equals("taylor") ? context.checkpoint("ranked") : supernet;
  }

  /**
   * Opens the model and checks that the limits can be met and the sampling leaves a form, before
   * anything is trained.
   */
  void check() {
    try (ModelSession model = open(spec.supernet().training())) {
      SearchSpace space = space(model, spec);
      Limits limits = limits(space, spec);
      if (spec.structure() != null) {
        GivenStructure.of(spec, space, limits, context.seed());
      }
      new StructureSampler(space, spec.supernet().sampling(), context.seed());
      model.notes().forEach(context.listener()::message);
    }
  }

  void run() {
    SearchSpace space;
    Structure winner;
    try (ModelSession model = open(spec.supernet().training())) {
      space = space(model, spec);
      Limits limits = limits(space, spec);
      winner =
          spec.structure() == null
              ? searched(model, space, limits)
              : GivenStructure.of(spec, space, limits, context.seed());
    }
    AtomicFile.write(
        context.folder().path().resolve("structure.json"), Json.pretty(winner.toJson(space)));
    context.store().record(context.id(), "structure", winner.toJson(space));
    for (FinalMode mode : spec.finals()) {
      finish(mode, space, winner);
    }
  }

  private Structure searched(ModelSession model, SearchSpace space, Limits limits) {
    JsonNode trained =
        context.stage(
            SUPERNET, spec.supernet().training().steps(), watch -> supernet(model, space, watch));
    context.curve(SUPERNET, trained.path("losses"));
    return new SearchStages(
            context,
            material,
            spec,
            space,
            limits,
            supernet,
            inherited,
            python -> open(python, spec.supernet().training()))
        .winner(model);
  }

  private ObjectNode supernet(ModelSession model, SearchSpace space, StageWatch watch) {
    StructureSampler sampler =
        new StructureSampler(space, spec.supernet().sampling(), context.seed());
    double[] losses =
        new TrainingLoop(
                model,
                material.set().train(),
                spec.supernet().training(),
                context.seed(),
                sampler::draw,
                supernet,
                watch)
            .run();
    ObjectNode record = Json.object();
    record.set("losses", RunContext.array(losses));
    context.files(record, supernet);
    double last = losses.length == 0 ? Double.NaN : losses[losses.length - 1];
    return record.put("summary", String.format(Locale.ROOT, "loss %.3f", last));
  }

  private void finish(FinalMode mode, SearchSpace space, Structure winner) {
    TrainingSpec training =
        switch (mode) {
          case INHERIT -> spec.supernet().training();
          case FINETUNE -> spec.finetune();
          case RETRAIN -> spec.retrain();
        };
    Final work = new Final(mode, training, space, winner);
    FinalStages.Plan plan =
        new FinalStages.Plan(
            "final:" + mode.id(),
            mode.id(),
            mode == spec.primary(),
            mode == FinalMode.INHERIT ? 0 : training.steps(),
            training.evalBatchSize(),
            Optional.of(winner),
            winner.digest(space));
    new FinalStages(context, material, plan, work).run(() -> open(training));
  }

  /** One final of the winner. */
  private final class Final implements FinalStages.Work {
    private final FinalMode mode;
    private final TrainingSpec training;
    private final SearchSpace space;
    private final Structure winner;
    private final Checkpoint checkpoint;

    private Final(FinalMode mode, TrainingSpec training, SearchSpace space, Structure winner) {
      this.mode = mode;
      this.training = training;
      this.space = space;
      this.winner = winner;
      this.checkpoint = context.checkpoint("final-" + mode.id());
    }

    @Override
    public ObjectNode parameters(ModelSession model) {
      return ParameterSection.of(
          model.parameters(),
          space.count(winner, ParameterCount.STORED),
          space.count(winner, ParameterCount.FOLDED));
    }

    @Override
    public Checkpoint checkpoint() {
      return mode == FinalMode.INHERIT ? inherited : checkpoint;
    }

    @Override
    public ObjectNode train(ModelSession model, StageWatch watch) {
      ObjectNode record = Json.object();
      if (mode == FinalMode.INHERIT) {
        return record;
      }
      if (mode == FinalMode.FINETUNE) {
        model.load(inherited.weights());
        model.reset(false, true, 0);
      } else {
        model.reset(true, true, context.weightsSeed("weights/retrain"));
        record.put("rows", context.run().experiment().task().fit());
      }
      double[] losses =
          new TrainingLoop(
                  model,
                  mode == FinalMode.RETRAIN
                      ? material.fitted(context.run().experiment().task())
                      : material.set().train(),
                  training,
                  context.seed(),
                  StepStructure.fixed(winner),
                  checkpoint,
                  watch)
              .run();
      record.set("losses", RunContext.array(losses));
      return record;
    }
  }

  private ModelSession open(TrainingSpec training) {
    return open(context.post().python(), training);
  }

  private ModelSession open(PythonRuntime python, TrainingSpec training) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("ranks", spec.ranks());
    settings.put("forms", ModelSession.plain(spec.forms()));
    settings.put("a_product", spec.aProduct());
    settings.put("rate_ratio", spec.rateRatio());
    settings.put("targets", spec.targets());
    settings.put("exclude", spec.exclude());
    return context.open(python, "glora", material, settings, training);
  }

  private static SearchSpace space(ModelSession model, GloraSpec spec) {
    return new SearchSpace(model.sites(), spec.ranks(), spec.forms(), spec.aProduct());
  }

  private static Limits limits(SearchSpace space, GloraSpec spec) {
    ParameterCount count = ParameterCount.of(spec.count());
    return new Limits(space, count, spec.minParameters(), spec.maxParameters());
  }
}
