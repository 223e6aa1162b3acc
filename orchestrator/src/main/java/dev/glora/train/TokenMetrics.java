package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.data.Split;
import java.util.List;

/**
 * Of a language model's answers. A row's outputs are Σ −log p(token), the number of tokens, and how
 * many of them were the most likely ones.
 *
 * <pre>
 *     loss        Σ −log p(token) over all rows / tokens of all rows, in nats
 *     perplexity  exp(loss)
 *     accuracy    tokens that were the most likely ones / tokens
 * </pre>
 */
final class TokenMetrics extends Metrics {
  private static final int TOKENS = 1;
  private static final int RIGHT = 2;

  TokenMetrics(Split split) {
    super(split);
  }

  @Override
  double loss(float[] outputs, int row) {
    return (double) outputs[row * width] / outputs[row * width + TOKENS];
  }

  @Override
  boolean right(float[] outputs, int row) {
    return outputs[row * width + RIGHT] == outputs[row * width + TOKENS];
  }

  @Override
  boolean same(float[] one, float[] other, int row) {
    // Of hundreds of tokens one may lie on a border; how likely they are is what must agree.
    return Math.abs(loss(one, row) - loss(other, row)) <= Evaluation.ROUNDING;
  }

  @Override
  double difference(float[] one, float[] other) {
    double max = 0;
    for (int row = 0; row < split.rows(); row++) {
      double difference = Math.abs(loss(one, row) - loss(other, row));
      max = Double.isNaN(difference) ? difference : Math.max(max, difference);
    }
    return max;
  }

  @Override
  double meanLoss(float[] outputs) {
    return sum(outputs, 0) / sum(outputs, TOKENS);
  }

  @Override
  double accuracy(float[] outputs) {
    return sum(outputs, RIGHT) / sum(outputs, TOKENS);
  }

  private double sum(float[] outputs, int column) {
    double sum = 0;
    for (int row = 0; row < split.rows(); row++) {
      sum += outputs[row * width + column];
    }
    return sum;
  }

  @Override
  void compute(float[] outputs) {
    double loss = meanLoss(outputs);
    put("loss", loss, reason(outputs, "the loss is not finite"));
    put("perplexity", StrictMath.exp(loss), reason(outputs, "the perplexity is not finite"));
    put("accuracy", accuracy(outputs), reason(outputs, "the accuracy is not finite"));
  }

  @Override
  JsonNode label(int row, List<String> names) {
    return Json.MAPPER.nullNode();
  }

  @Override
  JsonNode prediction(float[] outputs, int row, List<String> names) {
    return Json.MAPPER.nullNode();
  }
}
