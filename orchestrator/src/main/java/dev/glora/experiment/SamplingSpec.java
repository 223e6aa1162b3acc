package dev.glora.experiment;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How the structure of a supernet step is drawn.
 *
 * <p>The first {@code largestSteps} steps use the largest structure; after that each step uses it
 * with {@code largestProbability}; every other step draws a form for each site and tensor by {@code
 * weights}.
 *
 * @param largestSteps steps at the start that train the largest structure
 * @param largestProbability probability that a later step trains the largest structure
 * @param weights for each tensor {@code A} to {@code E} the weight of each form that the space
 *     allows ({@code none}, {@code scalar}, {@code vector}, {@code lora}); the weight of {@code
 *     lora} is spread evenly over the ranks. Always complete: where the file gives no weights of a
 *     tensor, each of its forms has weight 1, the uniform draw of the published code
 */
public record SamplingSpec(
    int largestSteps, double largestProbability, Map<Character, Map<String, Double>> weights) {
  /** Copies the weights and keeps their order. */
  public SamplingSpec {
    Map<Character, Map<String, Double>> copy = new LinkedHashMap<>();
    weights.forEach(
        (tensor, forms) ->
            copy.put(tensor, Collections.unmodifiableMap(new LinkedHashMap<>(forms))));
    weights = Collections.unmodifiableMap(copy);
  }
}
