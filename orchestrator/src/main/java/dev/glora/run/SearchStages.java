package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.data.Derived;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.RuntimeSpec;
import dev.glora.experiment.SearchSpec;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.search.Limits;
import dev.glora.search.ParameterCount;
import dev.glora.search.Proposal;
import dev.glora.search.Result;
import dev.glora.search.SearchSpace;
import dev.glora.search.SingleStrategy;
import dev.glora.search.Strategy;
import dev.glora.search.Structure;
import dev.glora.search.TaylorCut;
import dev.glora.store.Trial;
import dev.glora.train.Checkpoint;
import dev.glora.train.Evaluation;
import dev.glora.train.Evaluator;
import dev.glora.train.ModelSession;
import dev.glora.train.Scorer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Score and search: finds the structure under the limit that does best on val with the supernet's
 * weights.
 *
 * <p>Every evaluation is in the store before the next one begins, under the digest of all that it
 * depends on. A search that is resumed asks the same again and finds the answers there, so no
 * structure is ever evaluated twice.
 */
final class SearchStages {
  private final RunContext context;
  private final Material material;
  private final GloraSpec spec;
  private final SearchSpace space;
  private final Limits limits;
  private final Checkpoint supernet;
  private final Checkpoint weights;

  SearchStages(
      RunContext context,
      Material material,
      GloraSpec spec,
      SearchSpace space,
      Limits limits,
      Checkpoint supernet,
      Checkpoint weights) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.space = space;
    this.limits = limits;
    this.supernet = supernet;
    this.weights = weights;
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
    Strategy strategy = strategy(cut);
    JsonNode found =
        context.stage("search", strategy.evaluations(), watch -> search(model, strategy, watch));
    context.store().record(context.id(), "search", found.path("search"));
    return Structure.ofBase64(found.path("codes").asText());
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
    return Strategy.of(space, limits, spec.search(), context.seed(), cut);
  }

  private ObjectNode search(ModelSession model, Strategy strategy, StageWatch watch) {
    Evaluator val =
        new Evaluator(
            model, material.set().val(), spec.supernet().training().evalBatchSize(), watch);
    int generation = 0;
    int evaluations = 0;
    for (List<Proposal> asked = strategy.ask(); !asked.isEmpty(); asked = strategy.ask()) {
      List<Result> results = new ArrayList<>();
      for (int i = 0; i < asked.size(); i++) {
        if (watch.cancelled()) {
          throw watch.cancellation();
        }
        results.add(evaluate(model, val, asked.get(i), generation, i));
        watch.advance(++evaluations, note(strategy, results));
        watch.saved();
      }
      strategy.tell(results);
      generation++;
    }
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
    section.put("evaluations", evaluations).put("generations", generation);
    section.putObject("best").put("accuracy", best.accuracy()).put("loss", best.loss());
    section.putObject("range").put("min", range.min()).put("max", range.max());
    return record.put(
        "summary",
        String.format(
            Locale.ROOT,
            "%d structures, best val accuracy %.1f %%, loss %.3f",
            evaluations,
            100 * best.accuracy(),
            best.loss()));
  }

  private static String note(Strategy strategy, List<Result> results) {
    double best = strategy.best().map(Result::accuracy).orElse(0.0);
    for (Result result : results) {
      best = Math.max(best, result.accuracy());
    }
    return String.format(Locale.ROOT, "best %.1f %%", 100 * best);
  }

  private Result evaluate(
      ModelSession model, Evaluator val, Proposal proposal, int generation, int index) {
    Structure structure = proposal.structure();
    String key = cacheKey(structure);
    Optional<Trial> known = context.store().trial(key);
    double accuracy;
    double loss;
    if (known.isPresent()) {
      accuracy = known.get().accuracy();
      loss = known.get().loss();
    } else {
      model.structure(structure);
      Evaluation evaluation = val.evaluate();
      accuracy = evaluation.accuracy();
      // The store has no place for what is not a number; infinity is as bad a loss.
      loss = Double.isNaN(evaluation.loss()) ? Double.POSITIVE_INFINITY : evaluation.loss();
    }
    if (known.isEmpty() || !known.get().run().equals(context.id())) {
      long stored = space.count(structure, ParameterCount.STORED);
      long folded = space.count(structure, ParameterCount.FOLDED);
      context
          .store()
          .addTrial(
              new Trial(
                  context.id(),
                  generation,
                  index,
                  key,
                  structure.base64(),
                  accuracy,
                  loss,
                  stored,
                  stored,
                  folded,
                  proposal.origin()));
    }
    return new Result(structure, accuracy, loss);
  }

  /** The digest of all that an evaluation on val depends on. */
  private String cacheKey(Structure structure) {
    RuntimeSpec runtime = context.run().experiment().runtime();
    return Json.digest(
        Json.object()
            .put("checkpoint", weights.digest())
            .put("structure", structure.digest(space))
            .put("data", material.set().digest())
            .put("model", material.modelDigest())
            .put("split", "val")
            .put("batch", spec.supernet().training().evalBatchSize())
            .put("device", runtime.device())
            .put("dtype", runtime.dtype())
            .put("fingerprint", context.fingerprint()));
  }
}
