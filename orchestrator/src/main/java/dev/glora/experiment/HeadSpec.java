package dev.glora.experiment;

import java.util.List;

/**
 * A head on a frozen body, tuned: trained once for each learning rate, and the best by val
 * (accuracy, then loss) is taken.
 *
 * @param label name within the experiment
 * @param training settings of the training loop; its learning rate is not used
 * @param learningRates the rates that are tried, in this order
 */
public record HeadSpec(String label, TrainingSpec training, List<Double> learningRates)
    implements MethodSpec {
  /** Copies the list. */
  public HeadSpec {
    learningRates = List.copyOf(learningRates);
  }

  @Override
  public String method() {
    return "head";
  }
}
