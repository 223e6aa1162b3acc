package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.data.Split;
import java.util.List;

/**
 * How right logits are, by what a row's label is: one subclass for each kind of target.
 *
 * <p>All is computed from the logits, in double precision and in the order of the rows, so it does
 * not depend on how the rows were batched but through the logits themselves. A metric that is not
 * defined for these rows is null, and its reason is told beside it.
 */
abstract class Metrics {
  final Split split;
  final int width;
  private final ObjectNode values = Json.object();
  private final ObjectNode undefined = Json.object();
  private final ArrayNode perClass = Json.array();

  Metrics(Split split) {
    this.split = split;
    this.width = split.width();
  }

  static Metrics of(Split split) {
    return switch (split.target().kind()) {
      case CLASS, WORD -> new ClassMetrics(split);
      case LABELS -> new LabelsMetrics(split);
      case NUMBER -> new NumberMetrics(split);
      case TOKENS -> new TokenMetrics(split);
    };
  }

  /** A row's loss, as training has it. */
  abstract double loss(float[] logits, int row);

  /** Whether a row's prediction is its label; never for a number, which is only more or less so. */
  abstract boolean right(float[] logits, int row);

  /** Whether a row has the same prediction in two evaluations. */
  abstract boolean same(float[] one, float[] other, int row);

  /** Greatest difference of two evaluations; not a number where either has one that is not. */
  double difference(float[] one, float[] other) {
    double max = 0;
    for (int i = 0; i < one.length; i++) {
      double difference = Math.abs((double) one[i] - other[i]);
      max = Double.isNaN(difference) ? difference : Math.max(max, difference);
    }
    return max;
  }

  /** Adds the metrics of all rows. */
  abstract void compute(float[] logits);

  /** A row's label: a name, a list of names, or a number. */
  abstract JsonNode label(int row, List<String> names);

  /** What a row's logits predict, in the form of {@link #label}. */
  abstract JsonNode prediction(float[] logits, int row, List<String> names);

  double meanLoss(float[] logits) {
    double sum = 0;
    for (int row = 0; row < split.rows(); row++) {
      sum += loss(logits, row);
    }
    return sum / split.rows();
  }

  double accuracy(float[] logits) {
    int right = 0;
    for (int row = 0; row < split.rows(); row++) {
      right += right(logits, row) ? 1 : 0;
    }
    return (double) right / split.rows();
  }

  /** Enters a metric. */
  void put(String name, double value, String reason) {
    if (Double.isFinite(value)) {
      values.put(name, value);
    } else {
      values.putNull(name);
      undefined.put(name, reason);
    }
  }

  /** Enters precision, recall and F1 of one class; null where nothing divides. */
  void putClass(int index, int right, int predicted, int labelled, Double auroc) {
    ObjectNode entry = perClass.addObject().put("class", index);
    entry.put("rows", labelled).put("predicted", predicted);
    entry.put("precision", share(right, predicted)).put("recall", share(right, labelled));
    entry.put("f1", share(2.0 * right, predicted + labelled)).put("auroc", auroc);
  }

  private static Double share(double part, int whole) {
    return whole == 0 ? null : part / whole;
  }

  /** 2·TP / (2·TP + FP + FN), 0 where nothing is labelled or predicted so. */
  static double f1(long right, long predicted, long labelled) {
    return predicted + labelled == 0 ? 0 : 2.0 * right / (predicted + labelled);
  }

  /** Says of logits that are not finite that they are; else the reason itself. */
  static String reason(float[] logits, String other) {
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        return "the model gives logits that are not finite";
      }
    }
    return other;
  }

  ObjectNode values() {
    return values;
  }

  ObjectNode undefined() {
    return undefined;
  }

  ArrayNode perClass() {
    return perClass;
  }
}
