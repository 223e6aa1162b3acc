package dev.glora.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.bridge.DType;
import java.util.Arrays;
import java.util.Optional;

/**
 * What a row's label is.
 *
 * @param kind the kind
 * @param mean of a number over the train split, in its unit; 0 for other kinds
 * @param deviation its standard deviation there; 1 for other kinds
 */
public record Target(Kind kind, double mean, double deviation) {
  /** The kinds of target. */
  public enum Kind {
    /** One of the classes: an index. */
    CLASS("class", DType.I64),
    /** Any of the labels: for each of them 0 or 1. */
    LABELS("labels", DType.F32),
    /** A number, in its own unit. */
    NUMBER("number", DType.F32),
    /** One of the classes, each a word that a language model says: an index. */
    WORD("word", DType.I64),
    /** Nothing but the row itself: how likely a language model finds its answers. */
    TOKENS("tokens", DType.I64);

    private final String id;
    private final DType dtype;

    Kind(String id, DType dtype) {
      this.id = id;
      this.dtype = dtype;
    }

    /**
     * The kind's name in experiments and prepared sets.
     *
     * @return {@code class}, {@code labels}, {@code number}, {@code word} or {@code tokens}
     */
    public String id() {
      return id;
    }

    /**
     * The kind of a name.
     *
     * @param id {@code class}, {@code labels}, {@code number}, {@code word} or {@code tokens}
     * @return the kind, or nothing where none has that name
     */
    public static Optional<Kind> of(String id) {
      return Arrays.stream(values()).filter(kind -> kind.id.equals(id)).findFirst();
    }
  }

  /** A class. */
  public static final Target CLASS = new Target(Kind.CLASS, 0, 1);

  /** Several labels. */
  public static final Target LABELS = new Target(Kind.LABELS, 0, 1);

  /** Checks the scale. */
  public Target {
    if (!Double.isFinite(mean) || !(deviation > 0) || !Double.isFinite(deviation)) {
      throw new IllegalArgumentException("mean " + mean + " and deviation " + deviation);
    }
  }

  /**
   * Reads the {@code target} of a prepared set.
   *
   * @param node what set.json says; a missing one is a class
   * @return the target, or nothing where it is not one that is known
   */
  static Optional<Target> read(JsonNode node) {
    if (node.isMissingNode()) {
      return Optional.of(CLASS);
    }
    double mean = node.path("mean").asDouble(0);
    double deviation = node.path("deviation").asDouble(1);
    if (!Double.isFinite(mean) || !(deviation > 0) || !Double.isFinite(deviation)) {
      return Optional.empty();
    }
    return Kind.of(node.path("kind").asText()).map(kind -> new Target(kind, mean, deviation));
  }

  /**
   * Whether a row has one of the classes.
   *
   * @return whether its label is an index; of tokens it is one too, always 0
   */
  public boolean isClass() {
    return kind.dtype == DType.I64;
  }

  /**
   * The least number of names that a set of this target has.
   *
   * @return 2 for classes, else 1
   */
  int leastLabels() {
    return isClass() ? 2 : 1;
  }

  /**
   * Type of the labels in files and buffers.
   *
   * @return i64 for a class, else f32
   */
  public DType dtype() {
    return kind.dtype;
  }

  /**
   * Shape of the labels of some rows.
   *
   * @param rows number of rows
   * @param width width of the logits
   * @return [rows] for a class, else [rows, width]
   */
  public long[] shape(int rows, int width) {
    return isClass() ? new long[] {rows} : new long[] {rows, width};
  }
}
