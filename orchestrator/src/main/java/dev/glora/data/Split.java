package dev.glora.data;

import dev.glora.GloraException;
import dev.glora.bridge.DType;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows of one split, memory-mapped: columns, labels and, for sequences, lengths.
 *
 * <p>The mapping lives as long as this object; the file may be read by many processes at once.
 */
public final class Split {
  private final String name;
  private final List<Column> columns;
  private final Map<String, ByteBuffer> data;
  private final int[] labels;
  private final int[] lengths;

  private Split(
      String name,
      List<Column> columns,
      Map<String, ByteBuffer> data,
      int[] labels,
      int[] lengths) {
    this.name = name;
    this.columns = columns;
    this.data = data;
    this.labels = labels;
    this.lengths = lengths;
  }

  static Split map(String name, SafetensorsFile file, List<Column> columns, int rows, int classes) {
    Map<String, ByteBuffer> data = new LinkedHashMap<>();
    boolean sequences = false;
    int longest = Integer.MAX_VALUE;
    for (Column column : columns) {
      long[] shape = new long[column.rowShape().size() + 1];
      shape[0] = rows;
      for (int i = 1; i < shape.length; i++) {
        shape[i] = column.rowShape().get(i - 1);
      }
      data.put(column.name(), file.map(column.name(), column.dtype(), shape));
      if (column.sequence()) {
        sequences = true;
        longest = Math.min(longest, column.rowShape().get(0));
      }
    }
    ByteBuffer labelBytes = file.map("labels", DType.I64, rows);
    int[] labels = new int[rows];
    for (int row = 0; row < rows; row++) {
      long label = labelBytes.getLong(row * Long.BYTES);
      if (label < 0 || label >= classes) {
        throw GloraException.failed(
            "Row "
                + row
                + " of the split "
                + name
                + " has the label "
                + label
                + " and there are "
                + classes
                + " labels: prepare the data anew.");
      }
      labels[row] = (int) label;
    }
    int[] lengths = new int[rows];
    if (sequences) {
      ByteBuffer lengthBytes = file.map("lengths", DType.I32, rows);
      for (int row = 0; row < rows; row++) {
        lengths[row] = lengthBytes.getInt(row * Integer.BYTES);
        if (lengths[row] < 1 || lengths[row] > longest) {
          throw GloraException.failed(
              "Row "
                  + row
                  + " of the split "
                  + name
                  + " has the length "
                  + lengths[row]
                  + " and lengths go from 1 to "
                  + longest
                  + ": prepare the data anew.");
        }
      }
    }
    return new Split(name, List.copyOf(columns), data, labels, lengths);
  }

  /**
   * The split's name.
   *
   * @return {@code train}, {@code val} or {@code test}
   */
  public String name() {
    return name;
  }

  /**
   * How many rows there are.
   *
   * @return number of rows
   */
  public int rows() {
    return labels.length;
  }

  /**
   * The columns.
   *
   * @return columns in the set's order
   */
  public List<Column> columns() {
    return columns;
  }

  /**
   * A row's label.
   *
   * @param row row number from 0
   * @return index into the set's labels
   */
  public int label(int row) {
    return labels[row];
  }

  /**
   * A row's length.
   *
   * @param row row number from 0
   * @return leading positions that are valid, 0 where no column is a sequence
   */
  public int length(int row) {
    return lengths[row];
  }

  ByteBuffer data(Column column) {
    return data.get(column.name());
  }
}
