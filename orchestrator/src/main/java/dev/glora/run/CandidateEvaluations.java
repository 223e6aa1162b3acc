package dev.glora.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.RuntimeSpec;
import dev.glora.experiment.SearchSpec;
import dev.glora.run.CandidateEvaluator.Found;
import dev.glora.search.ParameterCount;
import dev.glora.search.Proposal;
import dev.glora.search.Result;
import dev.glora.search.RowScores;
import dev.glora.search.SearchSpace;
import dev.glora.search.Strategy;
import dev.glora.search.Structure;
import dev.glora.store.Claims;
import dev.glora.store.RacedTrial;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import dev.glora.train.Checkpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Evaluates the structures that a strategy asks for, each once.
 *
 * <p>Every evaluation is in the store before its worker begins another, under the digest of all
 * that it depends on. With racing, a structure is raced against the one that its strategy names,
 * whose rows are in the store; which one that is follows from earlier generations alone, so the
 * order of a generation's evaluations is free, and several workers may share them. An evaluation
 * that was stopped is stored apart and under another digest, of the rival and the test, too: it is
 * found again by the same race and by nothing else.
 */
final class CandidateEvaluations implements AutoCloseable {
  private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

  private final RunContext context;
  private final Material material;
  private final GloraSpec spec;
  private final SearchSpace space;
  private final Checkpoint weights;
  private final CandidateEvaluator evaluator;
  private final EvaluationTeam team;
  private long rowsSeen;
  private int stopped;

  CandidateEvaluations(
      RunContext context,
      Material material,
      GloraSpec spec,
      SearchSpace space,
      Checkpoint weights,
      CandidateEvaluator evaluator,
      EvaluationTeam team) {
    this.context = context;
    this.material = material;
    this.spec = spec;
    this.space = space;
    this.weights = weights;
    this.evaluator = evaluator;
    this.team = team;
  }

  /**
   * Evaluates a generation.
   *
   * @param strategy says whom a structure must beat
   * @param asked the generation
   * @param generation its number from 0
   * @param each is told each result as it comes, by one thread at a time
   * @return the results in the order of the generation
   */
  List<Result> evaluate(
      Strategy strategy, List<Proposal> asked, int generation, Consumer<Result> each) {
    List<Candidate> open = new ArrayList<>();
    Result[] results = new Result[asked.size()];
    for (int i = 0; i < asked.size(); i++) {
      open.add(candidate(strategy, asked.get(i), generation, i));
    }
    open = unknown(open, results, each);
    Claims claims = context.post().lease().claims(context.store());
    while (!open.isEmpty()) {
      Set<String> taken = claims.take(open.stream().map(Candidate::cacheKey).toList());
      List<Candidate> own = ofEachKeyOne(taken, open);
      open.removeAll(own);
      // Whoever had one until now may have written it since the store was asked.
      evaluate(unknown(own, results, each), results, each);
      // Where that fails they are void with the lease.
      claims.giveBack(taken);
      if (!open.isEmpty() && own.isEmpty()) {
        context.waits();
        LockSupport.parkNanos(LOOK_AGAIN.toNanos());
      }
      open = unknown(open, results, each);
    }
    return List.of(results);
  }

  private static List<Candidate> ofEachKeyOne(Set<String> keys, List<Candidate> candidates) {
    Set<String> left = new HashSet<>(keys);
    return candidates.stream().filter(each -> left.remove(each.cacheKey())).toList();
  }

  /** Those whose result is not in the store; the others are entered. */
  private List<Candidate> unknown(
      List<Candidate> candidates, Result[] results, Consumer<Result> each) {
    List<Candidate> unknown = new ArrayList<>();
    for (Candidate candidate : candidates) {
      Optional<Result> known = known(candidate);
      if (known.isPresent()) {
        results[candidate.index()] = known.get();
        each.accept(known.get());
      } else {
        unknown.add(candidate);
      }
    }
    return unknown;
  }

  private void evaluate(List<Candidate> own, Result[] results, Consumer<Result> each) {
    if (!own.isEmpty()) {
      team.evaluate(
          own,
          this::write,
          (candidate, found) -> {
            results[candidate.index()] = count(candidate, found);
            each.accept(results[candidate.index()]);
          });
    }
  }

  /** Ends the helpers' work and lets go of the scratch weights. */
  @Override
  public void close() {
    team.close();
    evaluator.close();
  }

  /** What the evaluations cost, by the results alone: the same after any number of kills. */
  ObjectNode summary() {
    SearchSpec search = spec.search();
    ObjectNode summary = Json.object().put("forward", search.evaluation().forward());
    summary.put("merged_sites", evaluator.mergedSites());
    summary.put("sites", space.sites().size());
    summary.put("stopped_early", stopped);
    return summary.put("rows", rowsSeen);
  }

  private Candidate candidate(Strategy strategy, Proposal proposal, int generation, int index) {
    String key = cacheKey(proposal.structure());
    if (spec.search().racing().test().equals("none")) {
      return new Candidate(proposal, generation, index, key, "", Optional.empty());
    }
    Optional<String> rival = strategy.rival(proposal).map(this::cacheKey);
    // A rival that another run evaluated without keeping its rows: nothing to race against.
    Optional<RowScores> scores = rival.flatMap(context.store()::rowScores).map(RowScores::ofBytes);
    return new Candidate(proposal, generation, index, key, raceKey(key, rival.orElse("")), scores);
  }

  private Optional<Result> known(Candidate candidate) {
    Optional<Trial> trial = context.store().trial(candidate.cacheKey());
    if (trial.isPresent()) {
      Trial found = trial.get();
      if (!found.run().equals(context.id())) {
        context.store().addTrial(row(candidate, found.accuracy(), found.loss()));
      }
      rowsSeen += material.set().val().rows();
      return Optional.of(new Result(candidate.structure(), found.accuracy(), found.loss()));
    }
    Optional<RacedTrial> raced =
        candidate.rival().flatMap(rival -> context.store().raced(candidate.raceKey()));
    raced
        .filter(found -> !found.run().equals(context.id()))
        .ifPresent(
            found ->
                context
                    .store()
                    .addRaced(row(candidate, found.accuracy(), found.loss(), found.seen())));
    return raced.map(found -> stopped(candidate, found.accuracy(), found.loss(), found.seen()));
  }

  /** Writes an evaluation, under the lease of the worker that made it. */
  private void write(RunStore store, Candidate candidate, Found found) {
    RowScores scores = found.scores();
    if (found.complete()) {
      store.addTrial(row(candidate, found.accuracy(), found.loss()), scores.toBytes());
    } else {
      store.addRaced(row(candidate, found.accuracy(), found.loss(), scores.seen()));
    }
  }

  private Result count(Candidate candidate, Found found) {
    if (!found.complete()) {
      return stopped(candidate, found.accuracy(), found.loss(), found.scores().seen());
    }
    rowsSeen += found.scores().rows();
    return new Result(candidate.structure(), found.accuracy(), found.loss());
  }

  private Result stopped(Candidate candidate, double accuracy, double loss, int seen) {
    stopped++;
    rowsSeen += seen;
    return new Result(candidate.structure(), accuracy, loss, false);
  }

  private Trial row(Candidate candidate, double accuracy, double loss) {
    long stored = space.count(candidate.structure(), ParameterCount.STORED);
    return new Trial(
        context.id(),
        candidate.generation(),
        candidate.index(),
        candidate.cacheKey(),
        candidate.structure().base64(),
        accuracy,
        loss,
        stored,
        stored,
        space.count(candidate.structure(), ParameterCount.FOLDED),
        candidate.proposal().origin());
  }

  private RacedTrial row(Candidate candidate, double accuracy, double loss, int seen) {
    return new RacedTrial(
        context.id(),
        candidate.generation(),
        candidate.index(),
        candidate.raceKey(),
        candidate.structure().base64(),
        accuracy,
        loss,
        seen,
        candidate.proposal().origin());
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
            .put("forward", evaluator.rule())
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
    for (int chunk : evaluator.chunks()) {
      race.withArray("order").add(chunk);
    }
    return Json.digest(race);
  }
}
