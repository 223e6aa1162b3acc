package dev.glora.data;

import dev.glora.bridge.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Gathers rows of a split into the buffers that the model reads.
 *
 * <p>A column's buffer is flat with room for the greatest batch. Rows are packed one behind the
 * other from its start, each cut to the batch's longest row, so the model's view of it is {@code
 * flat[:n·L]} as {@code [n, L]} and every batch starts at the same 64-byte boundary.
 *
 * <p>A fill allocates nothing.
 */
public final class BatchFiller {
  /** A column's way: bytes of a whole row, and of one position of it where it is a sequence. */
  private record Part(
      ColumnData source, ByteBuffer target, int rowBytes, int positionBytes, boolean sequence) {}

  private final Split split;
  private final List<Part> parts = new ArrayList<>();
  private final ByteBuffer labels;
  private final int capacity;
  private final int floats;
  private final boolean sequences;

  /**
   * Joins a split to buffers.
   *
   * @param split where rows come from
   * @param columns for each column its tensor, capacity × elements of a row
   * @param labels i64 [capacity], or f32 [capacity, width] where labels are no classes
   */
  public BatchFiller(Split split, Map<String, Tensor> columns, Tensor labels) {
    this.split = split;
    Target target = split.target();
    int width = target.isClass() ? 1 : split.width();
    this.capacity = Math.toIntExact(labels.elements() / width);
    if (labels.dtype() != target.dtype()) {
      throw new IllegalArgumentException(
          "labels are " + target.dtype() + ", not " + labels.dtype());
    }
    this.labels = labels.buffer();
    this.floats = target.isClass() ? 0 : width;
    boolean sequence = false;
    for (Column column : split.columns()) {
      Tensor tensor = columns.get(column.name());
      if (tensor == null
          || tensor.dtype() != column.dtype()
          || tensor.elements() != capacity * column.rowElements()) {
        throw new IllegalArgumentException(
            "the buffer of column " + column + " for " + capacity + " rows is " + tensor);
      }
      int rowBytes = column.rowBytes();
      int positionBytes = column.sequence() ? rowBytes / column.rowShape().get(0) : 0;
      ColumnData source = split.data(column);
      parts.add(new Part(source, tensor.buffer(), rowBytes, positionBytes, column.sequence()));
      sequence |= column.sequence();
    }
    this.sequences = sequence;
  }

  /**
   * Writes a batch.
   *
   * @param rows row numbers
   * @param n how many of them, at most the capacity
   * @return length of the longest row, to which sequences were cut; 0 where there are none
   */
  public int fill(int[] rows, int n) {
    if (n < 1 || n > capacity) {
      throw new IllegalArgumentException(n + " rows for a capacity of " + capacity);
    }
    int longest = 0;
    for (int i = 0; i < n; i++) {
      longest = Math.max(longest, split.length(rows[i]));
      if (floats == 0) {
        labels.putLong(i * Long.BYTES, split.label(rows[i]));
      }
      for (int j = 0; j < floats; j++) {
        labels.putFloat((i * floats + j) * Float.BYTES, split.value(rows[i], j));
      }
    }
    // By index: an iterator would be garbage of every step.
    for (int p = 0; p < parts.size(); p++) {
      Part part = parts.get(p);
      int bytes = part.sequence() ? part.positionBytes() * longest : part.rowBytes();
      for (int i = 0; i < n; i++) {
        part.source().copy(rows[i], part.target(), i * bytes, bytes);
      }
    }
    return sequences ? longest : 0;
  }
}
