package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A method without a choice to make: trained, evaluated, merged, tested. Which one it is and what
 * it is set to is Python's to know; the schema has a definition of each.
 *
 * @param label name within the experiment
 * @param training settings of the training loop
 * @param method the kind of method, a name of {@code glora.methods}
 * @param settings what its definition has beside {@code method}, {@code label} and {@code training}
 */
public record DirectSpec(String label, TrainingSpec training, String method, JsonNode settings)
    implements MethodSpec {

  /** The method that predicts the most frequent class and trains nothing. */
  public static final String MAJORITY = "majority";

  /** Whether it moves parameters of the body itself, be it biases alone. */
  boolean trainsBody() {
    return method.equals("full")
        || method.equals("bitfit")
        || !settings.path("bias").asText("none").equals("none");
  }
}
