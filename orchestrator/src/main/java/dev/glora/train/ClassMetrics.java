package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.data.Split;
import java.util.List;

/**
 * Of a class.
 *
 * <pre>
 *     accuracy  share of rows whose class is their label
 *     loss      mean over rows of  log Σ_c exp(z_c) − z_label
 *     macro F1  mean over classes of  2·TP / (2·TP + FP + FN), 0 for a class that never occurs
 *     mcc       Matthews' correlation
 *     auroc     of the second of two classes by z_1 − z_0; of more the mean over classes of each
 *               against the rest, by its softmax
 * </pre>
 */
final class ClassMetrics extends Metrics {
  ClassMetrics(Split split) {
    super(split);
  }

  @Override
  double loss(float[] logits, int row) {
    double highest = highest(logits, row);
    return highest
        + StrictMath.log(sum(logits, row, highest))
        - logits[row * width + split.label(row)];
  }

  private double highest(float[] logits, int row) {
    double highest = logits[row * width];
    for (int c = 1; c < width; c++) {
      highest = Math.max(highest, logits[row * width + c]);
    }
    return highest;
  }

  private double sum(float[] logits, int row, double highest) {
    double sum = 0;
    for (int c = 0; c < width; c++) {
      sum += StrictMath.exp(logits[row * width + c] - highest);
    }
    return sum;
  }

  @Override
  boolean right(float[] logits, int row) {
    return best(logits, row) == split.label(row);
  }

  @Override
  boolean same(float[] one, float[] other, int row) {
    return best(one, row) == best(other, row);
  }

  /** The class with the highest logit, the lower one of equals. */
  int best(float[] logits, int row) {
    int best = 0;
    for (int c = 1; c < width; c++) {
      if (logits[row * width + c] > logits[row * width + best]) {
        best = c;
      }
    }
    return best;
  }

  @Override
  void compute(float[] logits) {
    int[] right = new int[width];
    int[] predicted = new int[width];
    int[] labelled = new int[width];
    long correct = 0;
    for (int row = 0; row < split.rows(); row++) {
      int label = split.label(row);
      int prediction = best(logits, row);
      predicted[prediction]++;
      labelled[label]++;
      if (prediction == label) {
        right[label]++;
        correct++;
      }
    }
    double f1 = 0;
    for (int c = 0; c < width; c++) {
      f1 += f1(right[c], predicted[c], labelled[c]);
    }
    put("accuracy", (double) correct / split.rows(), "");
    put("loss", meanLoss(logits), reason(logits, "the loss is not finite"));
    put("macro_f1", f1 / width, "");
    put(
        "mcc",
        Statistics.matthews(correct, predicted, labelled),
        "all labels or all predictions are one class");
    double[] areas = areas(logits);
    double mean = 0;
    for (int c = 0; c < width; c++) {
      mean += areas[c] / width;
      putClass(c, right[c], predicted[c], labelled[c], Double.isNaN(areas[c]) ? null : areas[c]);
    }
    put("auroc", width == 2 ? areas[1] : mean, reason(logits, absent(labelled)));
  }

  private static String absent(int[] labelled) {
    for (int c = 0; c < labelled.length; c++) {
      if (labelled[c] == 0) {
        return "no row of the split has the class " + c + " (counted from 0)";
      }
    }
    return "all rows of the split have one class";
  }

  private double[] areas(float[] logits) {
    double[] areas = new double[width];
    boolean finite = reason(logits, "").isEmpty();
    for (int c = 0; c < width; c++) {
      double[] scores = new double[split.rows()];
      boolean[] positive = new boolean[split.rows()];
      for (int row = 0; row < split.rows(); row++) {
        positive[row] = split.label(row) == c;
        scores[row] = score(logits, row, c);
      }
      areas[c] = finite ? Statistics.auroc(scores, positive) : Double.NaN;
    }
    return areas;
  }

  private double score(float[] logits, int row, int c) {
    if (width == 2) {
      // In the order of the softmax, without its rounding to 0 and 1.
      return (double) logits[row * width + c] - logits[row * width + 1 - c];
    }
    double highest = highest(logits, row);
    return StrictMath.exp(logits[row * width + c] - highest) / sum(logits, row, highest);
  }

  @Override
  JsonNode label(int row, List<String> names) {
    return Json.MAPPER.getNodeFactory().textNode(names.get(split.label(row)));
  }

  @Override
  JsonNode prediction(float[] logits, int row, List<String> names) {
    return Json.MAPPER.getNodeFactory().textNode(names.get(best(logits, row)));
  }
}
