package dev.glora.data;

import dev.glora.bridge.DType;
import java.util.List;

/**
 * One input of the model as a prepared set stores it.
 *
 * @param name the model's name for it, such as {@code input_ids}
 * @param dtype type of its elements
 * @param rowShape shape of one row; the first axis of a sequence is its greatest length
 * @param sequence whether the first axis of a row may be cut to the longest row of a batch
 */
public record Column(String name, DType dtype, List<Integer> rowShape, boolean sequence) {
  /** Copies the shape. */
  public Column {
    rowShape = List.copyOf(rowShape);
    if (sequence && rowShape.isEmpty()) {
      throw new IllegalArgumentException("a sequence's row needs at least one axis");
    }
  }

  /**
   * Elements of a whole row.
   *
   * @return product of the row's shape
   */
  public long rowElements() {
    return rowShape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
  }

  /**
   * Bytes of a whole row.
   *
   * @return elements times the element's size
   */
  public int rowBytes() {
    return Math.toIntExact(rowElements() * dtype.bytes());
  }
}
