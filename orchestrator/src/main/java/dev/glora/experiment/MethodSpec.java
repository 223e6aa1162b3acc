package dev.glora.experiment;

/** A way of adapting the model; its label names it in run ids and tables. */
public sealed interface MethodSpec permits HeadSpec, DirectSpec, GloraSpec {
  /**
   * The method's name within its experiment.
   *
   * @return letters, digits, dots, dashes and underscores; unique among an experiment's methods
   */
  String label();

  /**
   * The experiment's training block with the method's own values over it.
   *
   * @return settings of the training loop
   */
  TrainingSpec training();

  /**
   * The kind of method.
   *
   * @return {@code head}, {@code glora}, or a name of {@link DirectSpec}
   */
  String method();
}
