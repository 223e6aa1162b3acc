package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonRuntime;
import dev.glora.data.Derived;
import dev.glora.data.Target;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.SearchSpec;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.search.Limits;
import dev.glora.search.Policy;
import dev.glora.search.Proposal;
import dev.glora.search.Result;
import dev.glora.search.SearchSpace;
import dev.glora.search.SingleStrategy;
import dev.glora.search.Strategy;
import dev.glora.search.Structure;
import dev.glora.search.TaylorCut;
import dev.glora.train.Checkpoint;
import dev.glora.train.ModelSession;
import dev.glora.train.Scorer;
import dev.glora.train.Watch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Score and search: finds the structure under the limit that does best on val with the supernet's
 * weights. A search that is resumed asks the same again and finds the answers in the store, so no
 * structure is ever evaluated twice (see {@link CandidateEvaluations}).
 */
final class SearchStages {
  private final RunContext context;
  private final Material material;
  private final GloraSpec spec;
  private final SearchSpace space;
  private final Limits limits;
  private final Checkpoint supernet;
  private final Checkpoint weights;
  private final Function<PythonRuntime, ModelSession> opener;

  SearchStages(
      RunContext context,
      Material material,
      GloraSpec spec,
      SearchSpace space,
      Limits limits,
      Checkpoint supernet,
      Checkpoint weights,
      Function<PythonRuntime, ModelSession> opener) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.space = space;
    this.limits = limits;
    this.supernet = supernet;
    this.weights = weights;
    this.opener = opener;
  }

  /**
   * Does what is left of the two stages.
   *
   * @param model the supernet, opened
   * @return the winner
   */
  Structure winner(ModelSession model) {
    SearchSpec search = spec.search();
    Optional<Structure> cut = Optional.empty();
    model.load(supernet.weights());
    if (search.start().equals("taylor")) {
      JsonNode score = context.stage("score", search.scoreBatches(), watch -> score(model, watch));
      model.load(weights.weights());
      cut = Optional.of(cut(score, model.maxRank()));
    }
    try (Strategy strategy = strategy(cut)) {
      JsonNode found =
          context.stage("search", strategy.evaluations(), watch -> search(model, strategy, watch));
      context.store().record(context.id(), "search", found.path("search"));
      return Structure.ofBase64(found.path("codes").asText());
    }
  }

  private ObjectNode score(ModelSession model, StageWatch watch) {
    double[] scores =
        new Scorer(
                model,
                material.set().train(),
                spec.supernet().training().batchSize(),
                context.seed(),
                watch)
            .score(space.largest(), spec.search().scoreBatches());
    ObjectNode record = Json.object();
    record.set("scores", RunContext.array(scores));
    weights.save(model, 0, new double[0]);
    context.files(record, weights);
    return record.put("summary", scores.length + " scores");
  }

  private Structure cut(JsonNode record, int columns) {
    JsonNode values = record.path("scores");
    double[] scores = new double[values.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = values.get(i).asDouble();
    }
    return repaired(new TaylorCut(space, scores, columns).cut(limits), "search/cut");
  }

  private Structure repaired(Structure structure, String purpose) {
    SplittableRandom random = Derived.random(context.seed(), purpose, 0);
    return limits.repair(structure, random).orElseGet(() -> limits.draw(random));
  }

  private Strategy strategy(Optional<Structure> cut) {
    if (spec.search().strategy().equals("none")) {
      return new SingleStrategy(
          cut.map(structure -> new Proposal(structure, "taylor"))
              .orElseGet(() -> new Proposal(repaired(space.largest(), "search/none"), "largest")));
    }
    if (spec.search().strategy().equals("policy")) {
      Policy policy = new PythonPolicy(spec.search().policy());
      return Strategy.ofPolicy(space, limits, spec.search(), context.seed(), cut, policy);
    }
    return Strategy.of(space, limits, spec.search(), context.seed(), cut);
  }

  private ObjectNode search(ModelSession model, Strategy strategy, StageWatch watch) {
    CandidateEvaluator own = evaluator(model, watch);
    EvaluationTeam team = new EvaluationTeam(context, own, this::open);
    try (CandidateEvaluations val =
        new CandidateEvaluations(context, material, spec, space, weights, own, team)) {
      int generation = 0;
      int[] evaluations = {0};
      for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
        Result[] best = {strategy.best().orElse(null)};
        List<Result> found =
            val.evaluate(
                strategy,
                asked,
                generation,
                result -> {
                  best[0] = result.complete() ? better(best[0], result) : best[0];
                  watch.advance(++evaluations[0], best[0] == null ? "" : "best " + scores(best[0]));
                  watch.saved();
                });
        strategy.tell(spec.search().shuffled() ? shuffled(found, generation) : found);
        generation++;
      }
      return record(strategy, val, evaluations[0], generation);
    }
  }

  /** The same model with the same weights in the interpreter of a worker that helps. */
  private void open(PythonRuntime python, Watch watch, EvaluationTeam.Work work) {
    try (ModelSession model = opener.apply(python)) {
      model.load(weights.weights());
      CandidateEvaluator evaluator = evaluator(model, watch);
      work.in(evaluator);
      evaluator.close();
    }
  }

  private CandidateEvaluator evaluator(ModelSession model, Watch watch) {
    return new CandidateEvaluator(model, material, spec, context.seed(), watch);
  }

  /** The same numbers, each given to a structure of the generation by lot. */
  private List<Result> shuffled(List<Result> found, int generation) {
    List<Result> numbers = new ArrayList<>(found);
    Collections.shuffle(
        numbers, new Random(Derived.seed(context.seed(), "search/shuffled", generation)));
    List<Result> told = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      Result other = numbers.get(i);
      told.add(new Result(found.get(i).structure(), other.accuracy(), other.loss()));
    }
    return told;
  }

  private ObjectNode record(
      Strategy strategy, CandidateEvaluations val, int evaluations, int generations) {
    Result best =
        strategy
            .best()
            .orElseThrow(
                () ->
                    GloraException.usage(
                        "The search evaluated no structure: set population to at least 1."));
    ObjectNode record = Json.object().put("codes", best.structure().base64());
    SearchSpace.Range range = space.range(limits.count());
    ObjectNode section = record.putObject("search");
    section.put("strategy", spec.search().strategy()).put("start", spec.search().start());
    section.put("evaluations", evaluations).put("generations", generations);
    section.set("best", numbers(best));
    ArrayNode front = section.putArray("front");
    for (Result result : strategy.front()) {
      front.add(numbers(result).put("codes", result.structure().base64()));
    }
    section.putObject("range").put("min", range.min()).put("max", range.max());
    section.set("evaluation", val.summary());
    return record.put(
        "summary",
        String.format(Locale.ROOT, "%d structures, best val %s", evaluations, scores(best)));
  }

  private Result better(Result one, Result other) {
    boolean loss = spec.search().fitness().equals("loss");
    return one != null && (loss ? one.loss() <= other.loss() : one.accuracy() >= other.accuracy())
        ? one
        : other;
  }

  private String scores(Result result) {
    return Scores.of(material.set().target(), result.accuracy(), result.loss());
  }

  private ObjectNode numbers(Result result) {
    ObjectNode numbers = Json.object();
    if (material.set().target().kind() != Target.Kind.NUMBER) {
      numbers.put("accuracy", result.accuracy());
    }
    return numbers
        .put("loss", result.loss())
        .put("parameters", space.count(result.structure(), limits.count()));
  }
}
