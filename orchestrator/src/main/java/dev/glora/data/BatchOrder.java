package dev.glora.data;

import dev.glora.GloraException;
import java.util.SplittableRandom;

/**
 * Which train rows a step sees: a fresh permutation per epoch, consecutive batches, the remainder
 * dropped.
 *
 * <p>Step {@code s} belongs to epoch {@code s / (rows / batch)}; the permutation of epoch {@code e}
 * is Fisher and Yates' shuffle by the derived generator {@code (seed, "order", e)}. The order
 * depends on nothing else, so every method of the same seed sees the same batches.
 */
public final class BatchOrder {
  private final long seed;
  private final int batch;
  private final int batchesPerEpoch;
  private final int[] permutation;
  private long epoch = -1;

  /**
   * Makes an order.
   *
   * @param seed root seed of the run
   * @param rows rows of the train split
   * @param batch rows of a batch; where the split has fewer, every batch is the whole split, in an
   *     order of its own: dropping the remainder would drop everything
   */
  public BatchOrder(long seed, int rows, int batch) {
    if (batch < 1 || rows < 1) {
      throw GloraException.usage(
          "The batch size is "
              + batch
              + " and the train split has "
              + rows
              + " rows: set both to"
              + " at least 1.");
    }
    this.seed = seed;
    this.batch = Math.min(batch, rows);
    this.batchesPerEpoch = rows / this.batch;
    this.permutation = new int[rows];
  }

  /**
   * Writes a step's rows.
   *
   * @param step step from 0
   * @param rows receives the row numbers, at least as long as a batch
   * @return how many rows were written
   */
  public int rows(long step, int[] rows) {
    long wanted = step / batchesPerEpoch;
    if (wanted != epoch) {
      shuffle(wanted);
    }
    int first = (int) (step % batchesPerEpoch) * batch;
    System.arraycopy(permutation, first, rows, 0, batch);
    return batch;
  }

  private void shuffle(long wanted) {
    for (int i = 0; i < permutation.length; i++) {
      permutation[i] = i;
    }
    SplittableRandom random = Derived.random(seed, "order", wanted);
    for (int i = permutation.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = permutation[i];
      permutation[i] = permutation[j];
      permutation[j] = swapped;
    }
    epoch = wanted;
  }
}
