package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.data.Derived;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.RuntimeSpec;
import dev.glora.experiment.SearchSpec;
import dev.glora.run.RunContext.StageWatch;
import dev.glora.search.PairedTest;
import dev.glora.search.ParameterCount;
import dev.glora.search.Proposal;
import dev.glora.search.Result;
import dev.glora.search.RowScores;
import dev.glora.search.SearchSpace;
import dev.glora.search.Strategy;
import dev.glora.search.Structure;
import dev.glora.store.RacedTrial;
import dev.glora.store.Trial;
import dev.glora.train.Checkpoint;
import dev.glora.train.Evaluation;
import dev.glora.train.Evaluator;
import dev.glora.train.ModelSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Evaluates the structures that a strategy asks for, each once.
 *
 * <p>Every evaluation is in the store before the next one begins, under the digest of all that it
 * depends on. With racing, a structure is raced against the one that its strategy names, whose rows
 * are in the store; which one that is follows from earlier generations alone, so the order of a
 * generation's evaluations is free. It is the one in which most blocks are shared. An evaluation
 * that was stopped is stored apart and under another digest, of the rival and the test, too: it is
 * found again by the same race and by nothing else.
 */
final class CandidateEvaluations {
  private final RunContext context;
  private final Material material;
  private final GloraSpec spec;
  private final SearchSpace space;
  private final Checkpoint weights;
  private final ModelSession model;
  private final StageWatch watch;
  private final Evaluator val;
  private final long positions;
  private final String rule;
  private final int mergedSites;
  private final int[] chunks;
  private final PairedTest test;
  private final int looks;
  private long rowsSeen;
  private int stopped;

  CandidateEvaluations(
      RunContext context,
      Material material,
      GloraSpec spec,
      SearchSpace space,
      Checkpoint weights,
      ModelSession model,
      StageWatch watch) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.space = space;
    this.weights = weights;
    this.model = model;
    this.watch = watch;
    this.val =
        new Evaluator(
            model, material.set().val(), spec.supernet().training().evalBatchSize(), watch);
    this.positions = val.positions();
    JsonNode plan = model.candidates(List.of(), positions, spec.search().evaluation());
    this.rule = plan.path("rule").asText();
    this.mergedSites = plan.path("merged_sites").asInt();
    this.chunks = shuffled(val.chunks());
    this.test = new PairedTest(spec.search().racing(), spec.search().fitness());
    this.looks = test.looks(val.seenAfter(chunks));
  }

  /** By length as they are, the first batches would be the short rows: no fair sample. */
  private int[] shuffled(int[] order) {
    SplittableRandom random = Derived.random(context.seed(), "search/race", 0);
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int other = order[j];
      order[j] = order[i];
      order[i] = other;
    }
    return order;
  }

  /**
   * Evaluates a generation.
   *
   * @param strategy says whom a structure must beat
   * @param asked the generation
   * @param generation its number from 0
   * @param each is told each result as it comes
   * @return the results in the order of the generation
   */
  List<Result> evaluate(
      Strategy strategy, List<Proposal> asked, int generation, Consumer<Result> each) {
    List<Job> jobs = new ArrayList<>();
    Result[] results = new Result[asked.size()];
    for (int i = 0; i < asked.size(); i++) {
      Job job = job(strategy, asked.get(i), generation, i);
      Optional<Result> known = known(job);
      if (known.isPresent()) {
        results[i] = known.get();
        each.accept(results[i]);
      } else {
        jobs.add(job);
      }
    }
    if (!jobs.isEmpty()) {
      List<Structure> structures = jobs.stream().map(Job::structure).toList();
      for (JsonNode next :
          model.candidates(structures, positions, spec.search().evaluation()).path("order")) {
        if (watch.cancelled()) {
          throw watch.cancellation();
        }
        Job job = jobs.get(next.asInt());
        results[job.index()] = evaluate(job);
        each.accept(results[job.index()]);
      }
    }
    return List.of(results);
  }

  /** Lets go of the scratch weights. */
  void close() {
    model.noCandidates();
  }

  /** What the evaluations cost, by the results alone: the same after any number of kills. */
  ObjectNode summary() {
    SearchSpec search = spec.search();
    ObjectNode summary = Json.object().put("forward", search.evaluation().forward());
    summary.put("merged_sites", mergedSites);
    summary.put("sites", space.sites().size());
    summary.put("stopped_early", stopped);
    return summary.put("rows", rowsSeen);
  }

  /** One structure to evaluate; the rival's rows where it is raced. */
  private record Job(
      Proposal proposal,
      int generation,
      int index,
      String cacheKey,
      String raceKey,
      Optional<RowScores> rival) {
    Structure structure() {
      return proposal.structure();
    }
  }

  private Job job(Strategy strategy, Proposal proposal, int generation, int index) {
    String key = cacheKey(proposal.structure());
    if (spec.search().racing().test().equals("none")) {
      return new Job(proposal, generation, index, key, "", Optional.empty());
    }
    Optional<String> rival = strategy.rival(proposal).map(this::cacheKey);
    // A rival that another run evaluated without keeping its rows: nothing to race against.
    Optional<RowScores> scores = rival.flatMap(context.store()::rowScores).map(RowScores::ofBytes);
    return new Job(proposal, generation, index, key, raceKey(key, rival.orElse("")), scores);
  }

  private Optional<Result> known(Job job) {
    Optional<Trial> trial = context.store().trial(job.cacheKey());
    if (trial.isPresent()) {
      Trial found = trial.get();
      if (!found.run().equals(context.id())) {
        context.store().addTrial(row(job, found.accuracy(), found.loss()));
      }
      rowsSeen += material.set().val().rows();
      return Optional.of(new Result(job.structure(), found.accuracy(), found.loss()));
    }
    Optional<RacedTrial> raced = job.rival().flatMap(rival -> context.store().raced(job.raceKey()));
    raced
        .filter(found -> !found.run().equals(context.id()))
        .ifPresent(
            found ->
                context.store().addRaced(row(job, found.accuracy(), found.loss(), found.seen())));
    return raced.map(found -> stopped(job, found.accuracy(), found.loss(), found.seen()));
  }

  private Result evaluate(Job job) {
    model.structure(job.structure());
    Evaluator.Raced raced =
        val.race(
            chunks,
            scores -> job.rival().filter(rival -> test.hopeless(scores, rival, looks)).isPresent());
    RowScores scores = raced.scores();
    if (raced.complete().isEmpty()) {
      double loss = finite(scores.loss());
      context.store().addRaced(row(job, scores.accuracy(), loss, scores.seen()));
      return stopped(job, scores.accuracy(), loss, scores.seen());
    }
    Evaluation evaluation = raced.complete().get();
    double loss = finite(evaluation.loss());
    context.store().addTrial(row(job, evaluation.accuracy(), loss), scores.toBytes());
    rowsSeen += scores.rows();
    return new Result(job.structure(), evaluation.accuracy(), loss);
  }

  private Result stopped(Job job, double accuracy, double loss, int seen) {
    stopped++;
    rowsSeen += seen;
    return new Result(job.structure(), accuracy, loss, false);
  }

  /** The store has no place for what is not a number; infinity is as bad a loss. */
  private static double finite(double loss) {
    return Double.isNaN(loss) ? Double.POSITIVE_INFINITY : loss;
  }

  private Trial row(Job job, double accuracy, double loss) {
    long stored = space.count(job.structure(), ParameterCount.STORED);
    return new Trial(
        context.id(),
        job.generation(),
        job.index(),
        job.cacheKey(),
        job.structure().base64(),
        accuracy,
        loss,
        stored,
        stored,
        space.count(job.structure(), ParameterCount.FOLDED),
        job.proposal().origin());
  }

  private RacedTrial row(Job job, double accuracy, double loss, int seen) {
    return new RacedTrial(
        context.id(),
        job.generation(),
        job.index(),
        job.raceKey(),
        job.structure().base64(),
        accuracy,
        loss,
        seen,
        job.proposal().origin());
  }

  /** The digest of all that an evaluation on val depends on. */
  private String cacheKey(Structure structure) {
    RuntimeSpec runtime = context.run().experiment().runtime();
    ObjectNode key =
        Json.object()
            .put("checkpoint", weights.digest())
            .put("structure", structure.digest(space))
            .put("data", material.set().digest())
            .put("model", material.modelDigest())
            .put("split", "val")
            .put("batch", spec.supernet().training().evalBatchSize())
            .put("forward", rule)
            .put("device", runtime.device())
            .put("dtype", runtime.dtype())
            .put("fingerprint", context.fingerprint());
    if (!runtime.isFloat32()) {
      key.put("precision", runtime.precision());
    }
    return Json.digest(key);
  }

  private String raceKey(String cacheKey, String rival) {
    ObjectNode race = Json.object().put("race", cacheKey).put("rival", rival);
    race.put("test", spec.search().racing().test()).put("fitness", spec.search().fitness());
    race.put("level", spec.search().racing().level());
    race.put("least_rows", spec.search().racing().leastRows());
    for (int chunk : chunks) {
      race.withArray("order").add(chunk);
    }
    return Json.digest(race);
  }
}
