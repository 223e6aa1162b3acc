package dev.glora.experiment;

/**
 * PEFT's LoRA at the same linear layers as GLoRA, with a fresh head.
 *
 * @param label name within the experiment
 * @param training settings of the training loop
 * @param rank rank of every layer
 * @param alpha the update is scaled by alpha / rank
 */
public record LoraSpec(String label, TrainingSpec training, int rank, double alpha)
    implements MethodSpec {
  @Override
  public String method() {
    return "lora";
  }
}
