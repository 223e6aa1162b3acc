package dev.glora.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A column's rows, mapped: in pieces, since one mapping holds at most 2 GiB and a test set of
 * pictures may have more, and since two splits can be joined without copying either.
 */
final class ColumnData {
  private final ByteBuffer[] pieces;

  /** For each piece the row after its last one. */
  private final int[] ends;

  private final int rowBytes;

  private ColumnData(ByteBuffer[] pieces, int[] ends, int rowBytes) {
    this.pieces = pieces;
    this.ends = ends;
    this.rowBytes = rowBytes;
  }

  /**
   * Maps a column.
   *
   * @param file where it is
   * @param column the column
   * @param rows its rows
   * @return the rows
   */
  static ColumnData map(SafetensorsFile file, Column column, int rows) {
    int rowBytes = column.rowBytes();
    int most = Math.max(1, Integer.MAX_VALUE / rowBytes);
    List<ByteBuffer> pieces = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    long[] shape = new long[column.rowShape().size() + 1];
    shape[0] = rows;
    for (int i = 1; i < shape.length; i++) {
      shape[i] = column.rowShape().get(i - 1);
    }
    for (int from = 0; from < rows; from += most) {
      int end = Math.min(rows, from + most);
      pieces.add(
          file.map(
              column.name(),
              column.dtype(),
              (long) from * rowBytes,
              (long) (end - from) * rowBytes,
              shape));
      ends.add(end);
    }
    return new ColumnData(
        pieces.toArray(ByteBuffer[]::new), ends.stream().mapToInt(i -> i).toArray(), rowBytes);
  }

  /**
   * Puts other rows behind these.
   *
   * @param other rows of the same column
   * @return both
   */
  ColumnData then(ColumnData other) {
    ByteBuffer[] both = new ByteBuffer[pieces.length + other.pieces.length];
    int[] rows = new int[both.length];
    System.arraycopy(pieces, 0, both, 0, pieces.length);
    System.arraycopy(other.pieces, 0, both, pieces.length, other.pieces.length);
    System.arraycopy(ends, 0, rows, 0, ends.length);
    for (int i = 0; i < other.ends.length; i++) {
      rows[ends.length + i] = ends[ends.length - 1] + other.ends[i];
    }
    return new ColumnData(both, rows, rowBytes);
  }

  /**
   * Copies the beginning of a row.
   *
   * @param row row from 0
   * @param target receives it
   * @param at place in the target
   * @param bytes how many
   */
  void copy(int row, ByteBuffer target, int at, int bytes) {
    int piece = 0;
    while (row >= ends[piece]) {
      piece++;
    }
    int first = piece == 0 ? 0 : ends[piece - 1];
    target.put(at, pieces[piece], (row - first) * rowBytes, bytes);
  }
}
