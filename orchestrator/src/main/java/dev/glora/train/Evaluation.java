package dev.glora.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.data.Split;
import java.util.List;

/** What a model says about a whole split, and how right it is by the split's {@link Metrics}. */
public final class Evaluation {
  /** Greatest difference of a logit that float32 explains; of a number in train's deviations. */
  public static final double ROUNDING = 1e-3;

  private final float[] logits;
  private final Metrics metrics;
  private final double accuracy;
  private final double loss;

  /**
   * Judges logits.
   *
   * @param split the split
   * @param logits [rows, width] in row order
   */
  Evaluation(Split split, float[] logits) {
    this.logits = logits;
    this.metrics = Metrics.of(split);
    this.accuracy = metrics.accuracy(logits);
    this.loss = metrics.meanLoss(logits);
  }

  /**
   * Share of rows whose prediction is their label.
   *
   * @return 0 to 1; of several labels the share of rows with all of them right; 0 for a number,
   *     which is only more or less right
   */
  public double accuracy() {
    return accuracy;
  }

  /**
   * Mean loss, as training has it.
   *
   * @return cross-entropy in nats, or the mean squared error in train's deviations
   */
  public double loss() {
    return loss;
  }

  /**
   * The logits.
   *
   * @return a copy, [rows, width]; of a number the prediction in its own unit
   */
  public float[] logits() {
    return logits.clone();
  }

  /**
   * How far two evaluations of one split are apart.
   *
   * @param other an evaluation of the same split
   * @return greatest absolute difference of two logits; not a number where either has one that is
   *     not
   */
  public double maxDifference(Evaluation other) {
    return metrics.difference(logits, other.logits);
  }

  /**
   * How many rows have the same prediction in two evaluations.
   *
   * @param other an evaluation of the same split
   * @return number of rows; of numbers those that differ by no more than {@link #ROUNDING}
   */
  public int identicalPredictions(Evaluation other) {
    int same = 0;
    for (int row = 0; row < rows(); row++) {
      same += metrics.same(logits, other.logits, row) ? 1 : 0;
    }
    return same;
  }

  /**
   * How many rows were evaluated.
   *
   * @return number of rows
   */
  public int rows() {
    return metrics.split.rows();
  }

  /**
   * The metrics.
   *
   * @return of a class {@code accuracy}, {@code loss}, {@code macro_f1}, {@code mcc}, {@code
   *     auroc}; of several labels {@code micro_f1} in place of {@code mcc}; of a number {@code
   *     loss}, {@code mse}, {@code rmse}, {@code mae}, {@code pearson}, {@code spearman}. One that
   *     is not defined for these rows is null.
   */
  public ObjectNode toJson() {
    return computed().values().deepCopy();
  }

  /**
   * Why metrics are null.
   *
   * @return name to reason, empty where all are defined
   */
  public ObjectNode undefined() {
    return computed().undefined().deepCopy();
  }

  /**
   * Precision, recall, F1 and AUROC of each class or label.
   *
   * @param names their names
   * @return {@code [{class, rows, predicted, precision, recall, f1, auroc}]}, each null where
   *     nothing divides; empty for a number
   */
  public ArrayNode perClass(List<String> names) {
    ArrayNode all = computed().perClass().deepCopy();
    all.forEach(each -> ((ObjectNode) each).put("class", names.get(each.path("class").asInt())));
    return all;
  }

  // Sorting for the areas is worth nothing to a search, which asks for loss and accuracy alone.
  private Metrics computed() {
    if (metrics.values().isEmpty()) {
      metrics.compute(logits);
    }
    return metrics;
  }

  /**
   * One row's label, prediction and logits.
   *
   * @param row row from 0
   * @param names names of the labels
   * @return {@code {row, label, prediction, logits}}; label and prediction are a name, a list of
   *     names, or a number
   */
  public ObjectNode row(int row, List<String> names) {
    ObjectNode out = Json.object().put("row", row);
    out.set("label", metrics.label(row, names));
    out.set("prediction", metrics.prediction(logits, row, names));
    ArrayNode shown = out.putArray("logits");
    for (int c = 0; c < metrics.width; c++) {
      shown.add(logits[row * metrics.width + c]);
    }
    return out;
  }
}
