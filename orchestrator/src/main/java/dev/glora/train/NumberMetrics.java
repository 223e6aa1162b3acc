package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.FloatNode;
import dev.glora.data.Split;
import java.util.List;

/**
 * Of a number, in its own unit.
 *
 * <pre>
 *     loss      mean over rows of  ((z − label) / deviation)², with train's deviation
 *     mse       mean over rows of  (z − label)²
 *     rmse      its square root
 *     mae       mean over rows of  |z − label|
 *     pearson, spearman   correlation of predictions and labels, and of their ranks
 * </pre>
 */
final class NumberMetrics extends Metrics {
  NumberMetrics(Split split) {
    super(split);
  }

  @Override
  double loss(float[] logits, int row) {
    double error = ((double) logits[row] - split.value(row, 0)) / split.target().deviation();
    return error * error;
  }

  @Override
  boolean right(float[] logits, int row) {
    return false;
  }

  @Override
  boolean same(float[] one, float[] other, int row) {
    double difference = Math.abs((double) one[row] - other[row]);
    return difference <= Evaluation.ROUNDING * split.target().deviation();
  }

  @Override
  void compute(float[] logits) {
    double[] labels = new double[split.rows()];
    double[] predictions = new double[split.rows()];
    double squares = 0;
    double absolute = 0;
    for (int row = 0; row < split.rows(); row++) {
      labels[row] = split.value(row, 0);
      predictions[row] = logits[row];
      double error = predictions[row] - labels[row];
      squares += error * error / split.rows();
      absolute += Math.abs(error) / split.rows();
    }
    String infinite = reason(logits, "the error is not finite");
    put("loss", meanLoss(logits), infinite);
    put("mse", squares, infinite);
    put("rmse", Math.sqrt(squares), infinite);
    put("mae", absolute, infinite);
    String constant =
        Statistics.constant(labels) ? "all labels are equal" : "all predictions are equal";
    boolean finite = reason(logits, "").isEmpty();
    put(
        "pearson",
        finite ? Statistics.pearson(predictions, labels) : Double.NaN,
        reason(logits, constant));
    put(
        "spearman",
        finite ? Statistics.spearman(predictions, labels) : Double.NaN,
        reason(logits, constant));
  }

  @Override
  JsonNode label(int row, List<String> names) {
    return FloatNode.valueOf(split.value(row, 0));
  }

  @Override
  JsonNode prediction(float[] logits, int row, List<String> names) {
    return FloatNode.valueOf(logits[row]);
  }
}
