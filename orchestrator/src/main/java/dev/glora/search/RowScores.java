package dev.glora.search;

import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * What an evaluation found row by row: whether the prediction was right, and its cross-entropy.
 * Rows may be unseen.
 */
public final class RowScores {
  private final BitSet seen = new BitSet();
  private final BitSet right = new BitSet();
  private final float[] losses;

  /**
   * Makes scores of rows that are all unseen.
   *
   * @param rows rows of the split
   */
  public RowScores(int rows) {
    this.losses = new float[rows];
  }

  /**
   * Enters a row.
   *
   * @param row row from 0
   * @param correct whether its prediction is its label
   * @param loss its cross-entropy, kept in single precision
   */
  public void set(int row, boolean correct, double loss) {
    seen.set(row);
    right.set(row, correct);
    losses[row] = (float) loss;
  }

  /**
   * How many rows the split has.
   *
   * @return rows, seen or not
   */
  public int rows() {
    return losses.length;
  }

  /**
   * How many rows were seen.
   *
   * @return number of rows
   */
  public int seen() {
    return seen.cardinality();
  }

  boolean seen(int row) {
    return seen.get(row);
  }

  boolean right(int row) {
    return right.get(row);
  }

  double loss(int row) {
    return losses[row];
  }

  /**
   * Share of the seen rows that are right.
   *
   * @return 0 to 1
   */
  public double accuracy() {
    return (double) right.cardinality() / seen();
  }

  /**
   * Mean cross-entropy of the seen rows.
   *
   * @return nats
   */
  public double loss() {
    double sum = 0;
    for (int row = seen.nextSetBit(0); row >= 0; row = seen.nextSetBit(row + 1)) {
      sum += losses[row];
    }
    return sum / seen();
  }

  /**
   * The scores as bytes.
   *
   * @return for each row its loss as a big-endian float, then a byte: 2 where it was seen, plus 1
   *     where it is right
   */
  public byte[] toBytes() {
    ByteBuffer bytes = ByteBuffer.allocate(rows() * (Float.BYTES + 1));
    for (int row = 0; row < rows(); row++) {
      bytes.putFloat(losses[row]).put((byte) ((seen(row) ? 2 : 0) | (right(row) ? 1 : 0)));
    }
    return bytes.array();
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @param bytes the scores as bytes
   * @return the scores
   */
  public static RowScores ofBytes(byte[] bytes) {
    if (bytes.length % (Float.BYTES + 1) != 0) {
      throw new IllegalArgumentException(bytes.length + " bytes are no whole number of rows");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    RowScores scores = new RowScores(bytes.length / (Float.BYTES + 1));
    for (int row = 0; row < scores.rows(); row++) {
      float loss = buffer.getFloat();
      byte flags = buffer.get();
      if ((flags & 2) != 0) {
        scores.set(row, (flags & 1) != 0, loss);
      }
    }
    return scores;
  }
}
