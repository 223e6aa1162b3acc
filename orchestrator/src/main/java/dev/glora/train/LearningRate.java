package dev.glora.train;

import dev.glora.experiment.TrainingSpec;

/**
 * The learning rate of a step, a function of its index.
 *
 * <p>With w warm-up steps of n, a peak rate p and a final rate f:
 *
 * <pre>
 *     p · (i + 1) / (w + 1)                              for i &lt; w
 *     f + (p − f) · ½ (1 + cos(π (i − w) / (n − w)))     for i ≥ w
 * </pre>
 *
 * so that step w has the peak rate, and the final rate is where the cosine would arrive with a step
 * more: no step is spent at a rate of zero.
 */
final class LearningRate {
  private LearningRate() {}

  static double at(long step, TrainingSpec spec) {
    double peak = spec.learningRate();
    int warmup = Math.min(spec.warmupSteps(), Math.max(0, spec.steps() - 1));
    if (step < warmup) {
      return peak * (step + 1) / (warmup + 1);
    }
    double progress = (double) (step - warmup) / (spec.steps() - warmup);
    // StrictMath: the same bits on every JVM and processor.
    double cosine = 0.5 * (1 + StrictMath.cos(Math.PI * progress));
    return spec.finalLearningRate() + (peak - spec.finalLearningRate()) * cosine;
  }
}
