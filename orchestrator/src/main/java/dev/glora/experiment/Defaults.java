package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.util.Map;

/**
 * Fills in what an experiment file leaves out. The defaults stand in the schema and nowhere else;
 * here stand the values that depend on others: training blocks inherit, a source's short form is
 * written out, sampling weights are completed from the forms.
 */
final class Defaults {
  static final String[] TENSORS = {"A", "B", "C", "D", "E"};

  private Defaults() {}

  /**
   * Writes everything out.
   *
   * @param given an experiment that keeps the schema
   * @return the same with all defaults, keys sorted; resolving it again changes nothing
   */
  static ObjectNode resolve(JsonNode given) {
    return resolve(given, Recipe.DEFAULT);
  }

  /**
   * Writes out what has come since an experiment was resolved and stored. Its recipe has done its
   * work then: what a later one adds is not what was run.
   */
  static ObjectNode resolveStored(JsonNode given) {
    return resolve(given, null);
  }

  private static ObjectNode resolve(JsonNode given, Recipe standard) {
    ObjectNode out = fill(given, ExperimentSchema.root());
    out.set("model", source(out.get("model")));
    ObjectNode task = (ObjectNode) out.get("task");
    task.set("source", source(task.get("source")));
    JsonNode training = out.get("training");
    ArrayNode methods = Json.array();
    given.get("methods").forEach(method -> methods.add(method(method, training, standard)));
    out.set("methods", methods);
    return (ObjectNode) Json.sorted(out);
  }

  private static ObjectNode method(JsonNode method, JsonNode shared, Recipe standard) {
    JsonNode given = method;
    String kind = given.get("method").textValue();
    if (kind.equals("glora")) {
      Recipe recipe = Recipe.of(method, standard);
      given = recipe == null ? given : recipe.over(given, over(shared, given.path("training")));
    }
    ObjectNode bare = given.deepCopy();
    bare.remove("training");
    ObjectNode out = fill(bare, ExperimentSchema.definition(kind));
    out.set("training", over(shared, given.path("training")));
    if (!out.has("label")) {
      out.put("label", kind);
    }
    if (kind.equals("glora")) {
      JsonNode training = out.get("training");
      ObjectNode supernet = (ObjectNode) out.get("supernet");
      supernet.set("training", over(training, given.path("supernet").path("training")));
      supernet.set("sampling", sampling(supernet.get("sampling"), out.get("forms")));
      if (out.has("structure") && !method.has("final")) {
        out.set("final", Json.array().add(FinalMode.RETRAIN.id()));
      }
      if (!method.has("primary") && !contains(out.get("final"), out.path("primary"))) {
        out.set("primary", out.get("final").get(0));
      }
      out.set("finetune", over(training, given.path("finetune")));
      out.set("retrain", over(training, given.path("retrain")));
    }
    return out;
  }

  private static boolean contains(JsonNode array, JsonNode value) {
    for (JsonNode item : array) {
      if (item.equals(value)) {
        return true;
      }
    }
    return false;
  }

  private static ObjectNode over(JsonNode base, JsonNode own) {
    ObjectNode out = base.deepCopy();
    JsonNode properties = ExperimentSchema.definition("training").get("properties");
    own.properties()
        .forEach(
            entry -> {
              JsonNode schema = properties.get(entry.getKey());
              if (unwritten(entry.getValue(), schema)) {
                out.remove(entry.getKey());
              } else {
                out.set(entry.getKey(), number(entry.getValue(), schema));
              }
            });
    return out;
  }

  private static JsonNode source(JsonNode given) {
    ObjectNode out = Json.object();
    out.set("source", given.isTextual() ? given : given.get("source"));
    out.set("sha256", given.isObject() ? given.get("sha256") : null);
    return out;
  }

  private static JsonNode sampling(JsonNode given, JsonNode forms) {
    ObjectNode out =
        given.isTextual()
            ? fill(Json.object(), ExperimentSchema.definition("sampling"))
            : (ObjectNode) given.deepCopy();
    for (String tensor : TENSORS) {
      JsonNode own = out.path(tensor);
      ObjectNode weights = Json.object();
      for (JsonNode form : forms.get(tensor)) {
        double absent = own.isObject() ? 0.0 : 1.0;
        weights.put(form.textValue(), own.path(form.textValue()).asDouble(absent));
      }
      // A weight of a form that the space lacks is kept, for the check that refuses it.
      own.fieldNames()
          .forEachRemaining(
              form -> {
                if (!weights.has(form)) {
                  weights.put(form, own.get(form).asDouble());
                }
              });
      out.set(tensor, weights);
    }
    return out;
  }

  /** Writes out what an object leaves out of what its schema gives a default. */
  static ObjectNode fill(JsonNode given, JsonNode schema) {
    ObjectNode out = Json.object();
    for (Map.Entry<String, JsonNode> property : schema.get("properties").properties()) {
      JsonNode own = property.getValue();
      JsonNode kind = target(own);
      JsonNode value = given.get(property.getKey());
      if (value == null) {
        value = own.has("default") ? own.get("default") : kind.get("default");
      }
      if (value == null || unwritten(value, own)) {
        continue;
      }
      out.set(
          property.getKey(),
          value.isObject() && kind.has("properties") ? fill(value, kind) : number(value, kind));
    }
    return out;
  }

  /**
   * Whether a value is one that is never written out ({@code x-default}): the key came after runs
   * were made without it, and whoever does not use it keeps the runs' keys.
   */
  private static boolean unwritten(JsonNode value, JsonNode schema) {
    JsonNode own = schema.get("x-default");
    return own != null && number(value, schema).equals(number(own, schema));
  }

  /** 8 and 8.0 are one number, so one key: whatever the schema calls a number becomes a double. */
  private static JsonNode number(JsonNode value, JsonNode schema) {
    if (value.isNumber() && schema.path("type").asText().equals("number")) {
      return Json.number(value.doubleValue());
    }
    if (value.isNumber()) {
      return Json.MAPPER.getNodeFactory().numberNode(value.longValue());
    }
    if (value.isArray()) {
      ArrayNode out = Json.array();
      value.forEach(item -> out.add(number(item, target(schema.path("items")))));
      return out;
    }
    return value.deepCopy();
  }

  private static JsonNode target(JsonNode schema) {
    String reference = schema.path("$ref").asText("");
    return reference.isEmpty()
        ? schema
        : ExperimentSchema.definition(reference.substring("#/$defs/".length()));
  }
}
