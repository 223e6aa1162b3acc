package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.glora.Json;
import dev.glora.data.Split;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Of several labels. A label is predicted where its logit is above 0, its probability above one
 * half.
 *
 * <pre>
 *     accuracy  share of rows whose labels are all predicted and no other (subset accuracy)
 *     loss      mean over rows and labels of  log(1 + exp(−z)) where it is there, log(1 + exp(z)) else
 *     micro F1  2·TP / (2·TP + FP + FN) over all rows and labels
 *     macro F1  mean over labels of the same, 0 for a label that never occurs
 *     auroc     mean over labels, by the logit
 * </pre>
 */
final class LabelsMetrics extends Metrics {
  LabelsMetrics(Split split) {
    super(split);
  }

  private boolean there(int row, int label) {
    return split.value(row, label) != 0;
  }

  private boolean predicted(float[] logits, int row, int label) {
    return logits[row * width + label] > 0;
  }

  @Override
  double loss(float[] logits, int row) {
    double sum = 0;
    for (int c = 0; c < width; c++) {
      double z = there(row, c) ? -(double) logits[row * width + c] : logits[row * width + c];
      // log(1 + exp(z)) without overflow.
      sum += Math.max(z, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(z)));
    }
    return sum / width;
  }

  @Override
  boolean right(float[] logits, int row) {
    return all(c -> predicted(logits, row, c) == there(row, c));
  }

  @Override
  boolean same(float[] one, float[] other, int row) {
    return all(c -> predicted(one, row, c) == predicted(other, row, c));
  }

  private boolean all(IntPredicate holds) {
    for (int c = 0; c < width; c++) {
      if (!holds.test(c)) {
        return false;
      }
    }
    return true;
  }

  @Override
  void compute(float[] logits) {
    put("accuracy", accuracy(logits), "");
    put("loss", meanLoss(logits), reason(logits, "the loss is not finite"));
    long allRight = 0;
    long allPredicted = 0;
    long allThere = 0;
    double f1 = 0;
    double auroc = 0;
    int one = -1;
    boolean finite = reason(logits, "").isEmpty();
    for (int c = 0; c < width; c++) {
      int right = 0;
      int predicted = 0;
      int labelled = 0;
      double[] scores = new double[split.rows()];
      boolean[] positive = new boolean[split.rows()];
      for (int row = 0; row < split.rows(); row++) {
        positive[row] = there(row, c);
        scores[row] = logits[row * width + c];
        labelled += positive[row] ? 1 : 0;
        predicted += predicted(logits, row, c) ? 1 : 0;
        right += positive[row] && predicted(logits, row, c) ? 1 : 0;
      }
      allRight += right;
      allPredicted += predicted;
      allThere += labelled;
      f1 += f1(right, predicted, labelled);
      double area = finite ? Statistics.auroc(scores, positive) : Double.NaN;
      auroc += area / width;
      one = one < 0 && Double.isNaN(area) ? c : one;
      putClass(c, right, predicted, labelled, Double.isNaN(area) ? null : area);
    }
    put("micro_f1", f1(allRight, allPredicted, allThere), "");
    put("macro_f1", f1 / width, "");
    put(
        "auroc",
        auroc,
        reason(logits, "all or no rows of the split have the label " + one + " (counted from 0)"));
  }

  @Override
  JsonNode label(int row, List<String> names) {
    return names(names, c -> there(row, c));
  }

  @Override
  JsonNode prediction(float[] logits, int row, List<String> names) {
    return names(names, c -> predicted(logits, row, c));
  }

  private ArrayNode names(List<String> names, IntPredicate has) {
    ArrayNode out = Json.array();
    for (int c = 0; c < width; c++) {
      if (has.test(c)) {
        out.add(names.get(c));
      }
    }
    return out;
  }
}
