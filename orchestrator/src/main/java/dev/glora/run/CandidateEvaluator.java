package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.data.Derived;
import dev.glora.experiment.GloraSpec;
import dev.glora.search.PairedTest;
import dev.glora.search.RowScores;
import dev.glora.search.Structure;
import dev.glora.train.Evaluation;
import dev.glora.train.Evaluator;
import dev.glora.train.ModelSession;
import dev.glora.train.Watch;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;

/**
 * Evaluates candidates in one opened model. What an evaluation gives depends on the candidate
 * alone: not on those that are evaluated beside it, and not on the worker.
 */
final class CandidateEvaluator {
  private final ModelSession model;
  private final GloraSpec spec;
  private final Watch watch;
  private final Evaluator val;
  private final long positions;
  private final String rule;
  private final int mergedSites;
  private final int[] chunks;
  private final PairedTest test;
  private final int looks;

  /**
   * Makes an evaluator.
   *
   * @param model the model with the weights to evaluate with
   * @param material gives val
   * @param spec gives batch, forward and racing
   * @param seed root seed of the run
   * @param watch asked between batches
   */
  CandidateEvaluator(
      ModelSession model, Material material, GloraSpec spec, long seed, Watch watch) {
    this.model = model;
    this.spec = spec;
    this.watch = watch;
    this.val =
        new Evaluator(
            model, material.set().val(), spec.supernet().training().evalBatchSize(), watch);
    this.positions = val.positions();
    JsonNode plan = plan(List.of());
    this.rule = plan.path("rule").asText();
    this.mergedSites = plan.path("merged_sites").asInt();
    this.chunks = shuffled(val.chunks(), seed);
    this.test = new PairedTest(spec.search().racing(), spec.search().fitness());
    this.looks = test.looks(val.seenAfter(chunks));
  }

  /**
   * What an evaluation found.
   *
   * @param accuracy share of right predictions
   * @param loss mean cross-entropy, infinite where it is not a number
   * @param complete whether it went to its end
   * @param scores row by row
   */
  record Found(double accuracy, double loss, boolean complete, RowScores scores) {}

  /** Another one wherever the numbers may differ in their last bits. */
  String rule() {
    return rule;
  }

  int mergedSites() {
    return mergedSites;
  }

  /** The order of the batches in a race. */
  int[] chunks() {
    return chunks.clone();
  }

  /** By length as they are, the first batches would be the short rows: no fair sample. */
  private static int[] shuffled(int[] order, long seed) {
    SplittableRandom random = Derived.random(seed, "search/race", 0);
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int other = order[j];
      order[j] = order[i];
      order[i] = other;
    }
    return order;
  }

  private JsonNode plan(List<Candidate> candidates) {
    List<Structure> structures = candidates.stream().map(Candidate::structure).toList();
    return model.candidates(structures, positions, spec.search().evaluation());
  }

  /** Sorts candidates so that neighbours share most of their blocks. */
  List<Candidate> ordered(List<Candidate> candidates) {
    List<Candidate> ordered = new ArrayList<>();
    plan(candidates).path("order").forEach(place -> ordered.add(candidates.get(place.asInt())));
    return ordered;
  }

  /**
   * Evaluates some candidates, in the order in which most is shared.
   *
   * @param candidates the candidates
   * @param done is given each with what was found, before the next one begins
   */
  void evaluate(List<Candidate> candidates, BiConsumer<Candidate, Found> done) {
    for (Candidate next : ordered(candidates)) {
      if (watch.cancelled()) {
        throw watch.cancellation();
      }
      done.accept(next, evaluate(next));
    }
  }

  private Found evaluate(Candidate candidate) {
    model.structure(candidate.structure());
    Evaluator.Raced raced =
        val.race(
            chunks,
            scores ->
                candidate.rival().filter(rival -> test.hopeless(scores, rival, looks)).isPresent());
    RowScores scores = raced.scores();
    if (raced.complete().isEmpty()) {
      return new Found(scores.accuracy(), finite(scores.loss()), false, scores);
    }
    Evaluation evaluation = raced.complete().get();
    return new Found(evaluation.accuracy(), finite(evaluation.loss()), true, scores);
  }

  /** The store has no place for what is not a number; infinity is as bad a loss. */
  private static double finite(double loss) {
    return Double.isNaN(loss) ? Double.POSITIVE_INFINITY : loss;
  }

  /** Lets go of the scratch weights. */
  void close() {
    model.noCandidates();
  }
}
