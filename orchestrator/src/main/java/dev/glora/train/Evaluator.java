package dev.glora.train;

import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonSession;
import dev.glora.data.BatchFiller;
import dev.glora.data.EvaluationOrder;
import dev.glora.data.Split;
import java.util.function.LongConsumer;

/** Runs a model over a whole split: sorted by length, in batches, results back in row order. */
public final class Evaluator {
  private final ModelSession model;
  private final Split split;
  private final EvaluationOrder order;
  private final BatchFiller filler;
  private final int[] rows;
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
    this.watch = watch;
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
    float[] logits = model.run(python -> forward(python, progress));
    return new Evaluation(split, logits, model.classes());
  }

  private float[] forward(PythonSession python, LongConsumer progress) {
    PythonFunction evaluate = python.function(ModelSession.MODULE, "evaluate");
    int classes = model.classes();
    float[] logits = new float[split.rows() * classes];
    long done = 0;
    for (int chunk = 0; chunk < order.chunks(); chunk++) {
      if (watch.cancelled()) {
        throw watch.cancellation();
      }
      int n = order.rows(chunk, rows);
      model.control(n, filler.fill(rows, n), chunk, 0);
      evaluate.call(model.id());
      for (int i = 0; i < n; i++) {
        model.logits(i, logits, rows[i] * classes);
      }
      done += n;
      progress.accept(done);
    }
    return logits;
  }
}
