package dev.glora.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.data.Split;

/**
 * What a model says about a whole split, and how right it is.
 *
 * <p>All metrics are computed here, from the logits, in double precision and in the order of the
 * rows: they do not depend on how the rows were batched but through the logits themselves.
 */
public final class Evaluation {
  private final float[] logits;
  private final int classes;
  private final double accuracy;
  private final double loss;
  private final double macroF1;

  /**
   * Computes the metrics.
   *
   * <pre>
   *     loss      mean over rows of  log Σ_c exp(z_c) − z_label
   *     macro F1  mean over classes of  2·TP / (2·TP + FP + FN), 0 for a class that never occurs
   * </pre>
   *
   * @param split the split
   * @param logits [rows, classes] in row order
   * @param classes number of classes
   */
  Evaluation(Split split, float[] logits, int classes) {
    this.logits = logits;
    this.classes = classes;
    int[] right = new int[classes];
    int[] predicted = new int[classes];
    int[] labelled = new int[classes];
    double sum = 0;
    int correct = 0;
    for (int row = 0; row < split.rows(); row++) {
      int label = split.label(row);
      int prediction = prediction(row);
      sum += crossEntropy(row, label);
      predicted[prediction]++;
      labelled[label]++;
      if (prediction == label) {
        right[label]++;
        correct++;
      }
    }
    double f1 = 0;
    for (int c = 0; c < classes; c++) {
      int all = predicted[c] + labelled[c];
      f1 += all == 0 ? 0 : 2.0 * right[c] / all;
    }
    this.accuracy = (double) correct / split.rows();
    this.loss = sum / split.rows();
    this.macroF1 = f1 / classes;
  }

  private double crossEntropy(int row, int label) {
    return crossEntropy(logits, classes, row, label);
  }

  static double crossEntropy(float[] logits, int classes, int row, int label) {
    double highest = logits[row * classes];
    for (int c = 1; c < classes; c++) {
      highest = Math.max(highest, logits[row * classes + c]);
    }
    double sum = 0;
    for (int c = 0; c < classes; c++) {
      sum += StrictMath.exp(logits[row * classes + c] - highest);
    }
    return highest + StrictMath.log(sum) - logits[row * classes + label];
  }

  /**
   * A row's class.
   *
   * @param row row from 0
   * @return class with the highest logit, the lower one of equals
   */
  public int prediction(int row) {
    return prediction(logits, classes, row);
  }

  static int prediction(float[] logits, int classes, int row) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
      if (logits[row * classes + c] > logits[row * classes + best]) {
        best = c;
      }
    }
    return best;
  }

  /**
   * Share of rows whose class is their label.
   *
   * @return 0 to 1
   */
  public double accuracy() {
    return accuracy;
  }

  /**
   * Mean cross-entropy.
   *
   * @return nats
   */
  public double loss() {
    return loss;
  }

  /**
   * Macro-averaged F1.
   *
   * @return 0 to 1
   */
  public double macroF1() {
    return macroF1;
  }

  /**
   * The logits.
   *
   * @return a copy, [rows, classes]
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
    double max = 0;
    for (int i = 0; i < logits.length; i++) {
      double difference = Math.abs((double) logits[i] - other.logits[i]);
      max = Double.isNaN(difference) ? difference : Math.max(max, difference);
    }
    return max;
  }

  /**
   * How many rows have the same class in two evaluations.
   *
   * @param other an evaluation of the same split
   * @return number of rows
   */
  public int identicalPredictions(Evaluation other) {
    int same = 0;
    for (int row = 0; row < rows(); row++) {
      same += prediction(row) == other.prediction(row) ? 1 : 0;
    }
    return same;
  }

  /**
   * How many rows were evaluated.
   *
   * @return number of rows
   */
  public int rows() {
    return logits.length / classes;
  }

  /**
   * The metrics.
   *
   * @return {@code accuracy}, {@code loss}, {@code macro_f1}
   */
  public ObjectNode toJson() {
    return Json.object().put("accuracy", accuracy).put("loss", loss).put("macro_f1", macroF1);
  }
}
