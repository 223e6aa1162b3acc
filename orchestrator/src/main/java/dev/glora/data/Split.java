package dev.glora.data;

import dev.glora.GloraException;
import dev.glora.bridge.DType;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The rows of one split, memory-mapped: columns, labels and, for sequences, lengths.
 *
 * <p>The mapping lives as long as this object; the file may be read by many processes at once.
 */
public final class Split {
  private final String name;
  private final List<Column> columns;
  private final Map<String, ColumnData> data;
  private final Target target;
  private final int width;
  private final int[] labels;
  private final float[] values;
  private final int[] lengths;

  private Split(
      String name,
      List<Column> columns,
      Map<String, ColumnData> data,
      Target target,
      int width,
      int[] labels,
      float[] values,
      int[] lengths) {
    this.name = name;
    this.columns = columns;
    this.data = data;
    this.target = target;
    this.width = width;
    this.labels = labels;
    this.values = values;
    this.lengths = lengths;
  }

  static Split map(
      String name, SafetensorsFile file, List<Column> columns, int rows, int width, Target target) {
    Map<String, ColumnData> data = new LinkedHashMap<>();
    boolean sequences = false;
    int longest = Integer.MAX_VALUE;
    for (Column column : columns) {
      data.put(column.name(), ColumnData.map(file, column, rows));
      if (column.sequence()) {
        sequences = true;
        longest = Math.min(longest, column.rowShape().get(0));
      }
    }
    ByteBuffer labelBytes = file.map("labels", target.dtype(), target.shape(rows, width));
    int[] labels = target.isClass() ? classes(name, labelBytes, rows, width) : new int[0];
    float[] values =
        target.isClass() ? new float[0] : values(name, labelBytes, rows, width, target.kind());
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
    return new Split(name, List.copyOf(columns), data, target, width, labels, values, lengths);
  }

  private static int[] classes(String name, ByteBuffer bytes, int rows, int classes) {
    int[] labels = new int[rows];
    for (int row = 0; row < rows; row++) {
      long label = bytes.getLong(row * Long.BYTES);
      if (label < 0 || label >= classes) {
        throw wrong(name, row, "the label " + label, "there are " + classes + " labels");
      }
      labels[row] = (int) label;
    }
    return labels;
  }

  private static float[] values(
      String name, ByteBuffer bytes, int rows, int width, Target.Kind kind) {
    float[] values = new float[Math.multiplyExact(rows, width)];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes.getFloat(i * Float.BYTES);
      boolean whole = values[i] == 0 || values[i] == 1;
      if (kind == Target.Kind.NUMBER ? !Float.isFinite(values[i]) : !whole) {
        String expected = kind == Target.Kind.NUMBER ? "a number is finite" : "it is 0 or 1";
        throw wrong(name, i / width, "the label " + values[i], expected);
      }
    }
    return values;
  }

  private static GloraException wrong(String name, int row, String found, String expected) {
    return GloraException.failed(
        "Row "
            + row
            + " of the split "
            + name
            + " has "
            + found
            + " and "
            + expected
            + ": prepare the data anew.");
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
    return lengths.length;
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
   * What a row's label is.
   *
   * @return the target
   */
  public Target target() {
    return target;
  }

  /**
   * How many names the set's labels have.
   *
   * @return width of the logits
   */
  public int width() {
    return width;
  }

  /**
   * A row's class.
   *
   * @param row row number from 0
   * @return index into the set's labels
   */
  public int label(int row) {
    return labels[row];
  }

  /**
   * A row's label where it is no class.
   *
   * @param row row number from 0
   * @param index of several labels which one; 0 for a number
   * @return 0 or 1, or the number
   */
  public float value(int row, int index) {
    return values[row * width + index];
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

  /**
   * Puts another split's rows behind this one's, without copying them.
   *
   * @param other rows of the same set
   * @return both, named after both
   */
  public Split and(Split other) {
    Map<String, ColumnData> both = new LinkedHashMap<>();
    data.forEach((column, rows) -> both.put(column, rows.then(other.data.get(column))));
    return new Split(
        name + " and " + other.name,
        columns,
        both,
        target,
        width,
        IntStream.concat(IntStream.of(labels), IntStream.of(other.labels)).toArray(),
        join(values, other.values),
        IntStream.concat(IntStream.of(lengths), IntStream.of(other.lengths)).toArray());
  }

  private static float[] join(float[] one, float[] two) {
    float[] both = Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, both, one.length, two.length);
    return both;
  }

  ColumnData data(Column column) {
    return data.get(column.name());
  }
}
