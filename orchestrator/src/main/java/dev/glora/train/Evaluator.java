package dev.glora.train;

import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonSession;
import dev.glora.data.BatchFiller;
import dev.glora.data.EvaluationOrder;
import dev.glora.data.Split;
import dev.glora.search.RowScores;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** Runs a model over a whole split: sorted by length, in batches, results back in row order. */
public final class Evaluator {
  private final ModelSession model;
  private final Split split;
  private final EvaluationOrder order;
  private final BatchFiller filler;
  private final int[] rows;
  private final Metrics metrics;
  private final Watch watch;

  /**
   * Makes an evaluator, to be used as often as needed.
   *
   * @param model an opened model
   * @param split the split
   * @param batch rows of a batch
   * @param watch asked between batches
   */
  public Evaluator(ModelSession model, Split split, int batch, Watch watch) {
    this.model = model;
    this.split = split;
    this.order = new EvaluationOrder(split, batch);
    this.filler = model.filler(split);
    this.rows = new int[batch];
    this.metrics = Metrics.of(split);
    this.watch = watch;
  }

  /**
   * An evaluation that may have been stopped.
   *
   * @param complete the evaluation, where it went to its end
   * @param scores of the rows seen
   */
  public record Raced(Optional<Evaluation> complete, RowScores scores) {}

  /**
   * Rows seen after each batch.
   *
   * @param chunks the batches' order
   * @return ascending numbers
   */
  public int[] seenAfter(int[] chunks) {
    int[] seen = new int[chunks.length];
    int sum = 0;
    for (int i = 0; i < chunks.length; i++) {
      sum += order.rows(chunks[i], rows);
      seen[i] = sum;
    }
    return seen;
  }

  /**
   * The order of the batches as they are.
   *
   * @return 0 to the number of batches − 1
   */
  public int[] chunks() {
    return IntStream.range(0, order.chunks()).toArray();
  }

  /**
   * How many positions an evaluation computes: of a sequence each token, padding included, else one
   * a row.
   *
   * @return number of positions
   */
  public long positions() {
    long sum = 0;
    for (int chunk = 0; chunk < order.chunks(); chunk++) {
      int n = order.rows(chunk, rows);
      long longest = 1;
      for (int i = 0; i < n; i++) {
        longest = Math.max(longest, split.length(rows[i]));
      }
      sum += n * longest;
    }
    return sum;
  }

  /**
   * Evaluates under the structure that the model has now.
   *
   * @return the evaluation
   */
  public Evaluation evaluate() {
    return evaluate(rowsDone -> {});
  }

  /**
   * Evaluates under the structure that the model has now.
   *
   * @param progress gets the number of rows done, on Python's thread
   * @return the evaluation
   */
  public Evaluation evaluate(LongConsumer progress) {
    float[] logits = new float[split.rows() * model.classes()];
    long[] done = {0};
    model.run(
        python ->
            forward(
                python,
                chunks(),
                logits,
                n -> {
                  done[0] += n;
                  progress.accept(done[0]);
                  return true;
                }));
    return new Evaluation(split, logits);
  }

  /**
   * Evaluates under the structure that the model has now, unless it is stopped. The batches are the
   * same as in an evaluation that cannot be stopped, so a complete one has the same bits.
   *
   * @param chunks the order of the batches
   * @param stop asked after every batch but the last, on Python's thread
   * @return what was found
   */
  public Raced race(int[] chunks, Predicate<RowScores> stop) {
    float[] logits = new float[split.rows() * model.classes()];
    RowScores scores = new RowScores(split.rows());
    model.run(
        python ->
            forward(
                python,
                chunks,
                logits,
                n -> {
                  enter(scores, logits, n);
                  return scores.seen() == split.rows() || !stop.test(scores);
                }));
    return new Raced(
        scores.seen() == split.rows()
            ? Optional.of(new Evaluation(split, logits))
            : Optional.empty(),
        scores);
  }

  private void enter(RowScores scores, float[] logits, int n) {
    for (int i = 0; i < n; i++) {
      int row = rows[i];
      scores.set(row, metrics.right(logits, row), metrics.loss(logits, row));
    }
  }

  /** Runs the batches; after each the number of its rows goes to {@code next}, until it says no. */
  private Void forward(PythonSession python, int[] chunks, float[] logits, IntPredicate next) {
    PythonFunction evaluate = python.function(ModelSession.MODULE, "evaluate");
    int classes = model.classes();
    for (int chunk : chunks) {
      if (watch.cancelled()) {
        throw watch.cancellation();
      }
      int n = order.rows(chunk, rows);
      model.control(n, filler.fill(rows, n), chunk, 0);
      evaluate.call(model.id());
      for (int i = 0; i < n; i++) {
        model.logits(i, logits, rows[i] * classes);
      }
      if (!next.test(n)) {
        break;
      }
    }
    return null;
  }
}
