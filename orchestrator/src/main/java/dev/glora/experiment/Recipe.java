package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;

/**
 * A named bundle of defaults of the method {@code glora}. What a file sets itself lies over it, key
 * by key; what the bundle leaves open has the schema's default.
 */
enum Recipe {
  /** The paper's: uniform sampling of a supernet that is inherited from. */
  PUBLISHED,
  /** The largest structure is trained, cut, searched around, and trained on: minutes. */
  SWIFT;

  /** The one that a file without a recipe has. */
  static final Recipe DEFAULT = SWIFT;

  private static final JsonNode BUNDLES = load();

  /** Share of a method's steps that the supernet has; the rest are the fine-tuning's. */
  private static final double SUPERNET_SHARE = 0.6;

  /** The fine-tuning's learning rate, by that of the method. */
  private static final double FINETUNE_RATE = 0.5;

  /** A part of the steps is at least as many warm-ups long. */
  private static final int LEAST_WARMUPS = 4;

  /** The recipe that a method names, or the standard one. */
  static Recipe of(JsonNode method, Recipe standard) {
    JsonNode name = method.path("recipe");
    return name.isTextual() ? valueOf(name.textValue().toUpperCase(Locale.ROOT)) : standard;
  }

  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Lays a method over the recipe.
   *
   * @param method what the file says of it
   * @param training the method's training block, complete
   * @return the method with what the recipe adds; its name, too, where it is not the default
   */
  ObjectNode over(JsonNode method, JsonNode training) {
    ObjectNode out = BUNDLES.get(id()).deepCopy();
    if (this == SWIFT) {
      steps(out, method, training);
    }
    lay(out, method);
    out.remove("recipe");
    return this == DEFAULT ? out : out.put("recipe", id());
  }

  /** Divides the method's steps, so that together they are as many as another method's. */
  private static void steps(ObjectNode out, JsonNode method, JsonNode training) {
    int all = training.get("steps").intValue();
    int share = Math.max(1, (int) Math.round(SUPERNET_SHARE * all));
    int largest = method.at("/supernet/training/steps").asInt(share);
    int rest = method.at("/finetune/steps").asInt(Math.max(1, all - share));
    double rate = FINETUNE_RATE * training.get("learning_rate").doubleValue();
    out.withObject("/supernet/training")
        .put("steps", largest)
        .put("warmup_steps", warmup(training, largest));
    out.withObject("/supernet/sampling").put("largest_steps", largest);
    out.withObject("/finetune")
        .put("steps", rest)
        .put("warmup_steps", warmup(training, rest))
        .put("learning_rate", Math.max(rate, training.get("final_learning_rate").doubleValue()));
  }

  private static int warmup(JsonNode training, int steps) {
    return Math.min(training.get("warmup_steps").intValue(), steps / LEAST_WARMUPS);
  }

  private static void lay(ObjectNode below, JsonNode above) {
    for (var entry : above.properties()) {
      JsonNode base = below.get(entry.getKey());
      if (base instanceof ObjectNode object && entry.getValue().isObject()) {
        lay(object, entry.getValue());
      } else {
        below.set(entry.getKey(), entry.getValue().deepCopy());
      }
    }
  }

  private static JsonNode load() {
    try (InputStream in = Recipe.class.getResourceAsStream("recipes.json")) {
      return Json.MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException("The recipes in the jar cannot be read", e);
    }
  }
}
