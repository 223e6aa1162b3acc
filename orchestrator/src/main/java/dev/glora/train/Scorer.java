package dev.glora.train;

import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonSession;
import dev.glora.bridge.Tensor;
import dev.glora.data.BatchFiller;
import dev.glora.data.BatchOrder;
import dev.glora.data.Derived;
import dev.glora.data.Split;
import dev.glora.search.Structure;

/**
 * Sums the first-order scores of all slices over train batches, see {@link
 * dev.glora.search.TaylorCut}, and sorts the rank columns of each site by them: a smaller rank is
 * the leading slice of the largest one, so what the cut keeps should lead. The largest structure
 * computes what it did before.
 */
public final class Scorer {
  private final ModelSession model;
  private final Split train;
  private final int batchSize;
  private final long seed;
  private final Watch watch;

  /**
   * Makes a scorer.
   *
   * @param model an opened model with sites
   * @param train rows to score on
   * @param batchSize rows of a batch
   * @param seed root seed of the run
   * @param watch told and asked after every batch
   */
  public Scorer(ModelSession model, Split train, int batchSize, long seed, Watch watch) {
    this.model = model;
    this.train = train;
    this.batchSize = batchSize;
    this.seed = seed;
    this.watch = watch;
  }

  /**
   * Scores and sorts.
   *
   * @param structure the structure whose slices are scored, usually the largest
   * @param batches number of batches, in the order of the training's
   * @return [sites, 5, greatest rank], descending along the ranks of A and B
   */
  public double[] score(Structure structure, int batches) {
    Tensor scores = model.scores();
    model.structure(structure);
    model.run(python -> sum(python, scores, batches));
    model.sortRanks(scores);
    double[] result = new double[Math.toIntExact(scores.elements())];
    scores.doubles().get(result);
    return result;
  }

  private Void sum(PythonSession python, Tensor scores, int batches) {
    PythonFunction score = python.function(ModelSession.MODULE, "score");
    BatchOrder order = new BatchOrder(seed, train.rows(), batchSize);
    BatchFiller filler = model.filler(train);
    int[] rows = new int[batchSize];
    for (int i = 0; i < batches; i++) {
      if (watch.cancelled()) {
        throw watch.cancellation();
      }
      int n = order.rows(i, rows);
      model.control(n, filler.fill(rows, n), i, Derived.seed(seed, "score", i));
      score.call(model.id(), scores);
      watch.advance(i + 1, "");
    }
    return null;
  }
}
