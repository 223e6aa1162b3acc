package dev.glora.data;

import dev.glora.GloraException;
import java.util.stream.IntStream;

/**
 * The order in which a whole split is evaluated: by length, so that little padding is computed, in
 * chunks of one batch. Equal lengths keep the rows' order, so the order is a function of the split.
 */
public final class EvaluationOrder {
  private final int[] rows;
  private final int batch;

  /**
   * Sorts a split's rows.
   *
   * @param split the split
   * @param batch rows of a chunk
   */
  public EvaluationOrder(Split split, int batch) {
    if (batch < 1) {
      throw GloraException.usage("The evaluation's batch size is " + batch + ": set at least 1.");
    }
    this.batch = batch;
    this.rows =
        IntStream.range(0, split.rows())
            .boxed()
            .sorted((a, b) -> Integer.compare(split.length(a), split.length(b)))
            .mapToInt(Integer::intValue)
            .toArray();
  }

  /**
   * How many chunks there are.
   *
   * @return number of chunks, the last one may be smaller
   */
  public int chunks() {
    return (rows.length + batch - 1) / batch;
  }

  /**
   * Writes a chunk's rows.
   *
   * @param chunk chunk from 0
   * @param target receives the row numbers
   * @return how many rows were written
   */
  public int rows(int chunk, int[] target) {
    int first = chunk * batch;
    int n = Math.min(batch, rows.length - first);
    System.arraycopy(rows, first, target, 0, n);
    return n;
  }
}
