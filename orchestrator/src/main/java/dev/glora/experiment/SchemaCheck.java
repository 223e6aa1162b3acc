package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonMetaSchema;
import com.networknt.schema.JsonNodePath;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.NonValidationKeyword;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import dev.glora.GloraException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Holds an experiment against the schema and words what it finds. */
final class SchemaCheck {
  /**
   * The draft's vocabulary and {@code x-default}, which says something to {@link Defaults} only.
   */
  private static final JsonMetaSchema META =
      JsonMetaSchema.builder(JsonMetaSchema.getV202012())
          .keyword(new NonValidationKeyword("x-default"))
          .build();

  // Compiled once: a matrix has thousands of variants.
  private static final JsonSchema SCHEMA =
      JsonSchemaFactory.getInstance(
              SpecVersion.VersionFlag.V202012, factory -> factory.metaSchema(META))
          .getSchema(
              ExperimentSchema.json(),
              SchemaValidatorsConfig.builder().pathType(PathType.JSON_POINTER).build());

  private SchemaCheck() {}

  /** What a file is that holds no object. */
  static GloraException noObject(JsonNode root, Origins origins) {
    return GloraException.usage(
        origins.of("")
            + ": the file is "
            + Words.value(root)
            + ", expected an object that begins with version: 1; see experiments/quickstart.yaml.");
  }

  static void check(JsonNode root, Origins origins) {
    Set<ValidationMessage> found = SCHEMA.validate(root);
    if (found.isEmpty()) {
      return;
    }
    // A wrong type brings other messages about the same place with it; the first of a place and of
    // the file is the one that helps.
    ValidationMessage first = null;
    for (ValidationMessage message : found) {
      if (first == null || rank(message) < rank(first)) {
        first = message;
      }
    }
    throw GloraException.usage(sentence(first, root, origins));
  }

  /** Wrong kinds of method and unknown keys first: they explain the others. */
  private static int rank(ValidationMessage message) {
    return switch (message.getType()) {
      case "additionalProperties" -> 0;
      case "type" -> 1;
      case "required" -> 2;
      default -> 3;
    };
  }

  private static String sentence(ValidationMessage message, JsonNode root, Origins origins) {
    String pointer = pointer(message.getInstanceLocation());
    JsonNode value = root.at(pointer);
    JsonNode parent = ExperimentSchema.parent(message.getSchemaLocation().getFragment());
    String path = Origins.path(pointer);
    String found = path + " is " + Words.value(value);
    String place = origins.of(pointer) + ": ";
    JsonNode limit = message.getSchemaNode();
    return switch (message.getType()) {
      case "additionalProperties" -> unknown(message, pointer, parent, origins);
      case "required" -> missing(message, pointer, parent, place);
      case "type" -> place + found + ", expected " + Words.types(limit) + example(parent) + ".";
      case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum" ->
          place + found + ", expected " + range(parent) + example(parent) + ".";
      case "enum", "const" -> place + found + ", expected " + choices(limit, value);
      case "pattern" -> place + found + ", which has not the form that is expected" + form(parent);
      case "uniqueItems" -> place + path + " names an entry twice; keep one of them.";
      case "minItems" -> place + found + ", expected at least " + limit.asText() + " entries.";
      case "maxItems" -> place + found + ", expected at most " + limit.asText() + " entries.";
      default -> place + found + ", which is refused: " + Words.shorten(message.getMessage()) + ".";
    };
  }

  private static String unknown(
      ValidationMessage message, String pointer, JsonNode schema, Origins origins) {
    String key = message.getProperty();
    List<String> known = new ArrayList<>();
    schema.path("properties").fieldNames().forEachRemaining(known::add);
    Optional<String> nearest = Words.nearest(key, known);
    String place = origins.ofKey(Origins.child(pointer, key));
    return place
        + ": the key \""
        + Words.shorten(key)
        + "\" of "
        + Origins.path(pointer)
        + " is not known"
        + nearest
            .map(word -> "; did you mean \"" + word + "\"?")
            .orElse(", expected one of " + String.join(", ", known) + ".");
  }

  private static String missing(
      ValidationMessage message, String pointer, JsonNode schema, String place) {
    String key = message.getProperty();
    // What is required under a condition is described where it is always allowed.
    JsonNode described = schema.has("properties") ? schema : ExperimentSchema.root();
    String description = described.path("properties").path(key).path("description").asText("");
    int stop = description.indexOf(". ");
    String first = stop < 0 ? description.replaceAll("\\.$", "") : description.substring(0, stop);
    return place
        + "the key \""
        + key
        + "\" of "
        + Origins.path(pointer)
        + " is missing"
        + (first.isEmpty() ? "." : "; add it (" + first + ").");
  }

  private static String range(JsonNode schema) {
    String what = Words.types(schema.path("type"));
    JsonNode low = schema.path("minimum");
    JsonNode above = schema.path("exclusiveMinimum");
    JsonNode high = schema.path("maximum");
    String from =
        low.isNumber()
            ? " from " + Words.number(low)
            : above.isNumber() ? " above " + Words.number(above) : "";
    String to =
        high.isNumber() ? (low.isNumber() ? " to " : " and at most ") + Words.number(high) : "";
    return what + from + to;
  }

  private static String choices(JsonNode limit, JsonNode value) {
    List<String> words = new ArrayList<>();
    if (limit.isArray()) {
      limit.forEach(choice -> words.add(choice.asText()));
    } else {
      words.add(limit.asText());
    }
    if (words.size() == 1) {
      return words.get(0) + ".";
    }
    return "one of "
        + String.join(", ", words)
        + (value.isTextual() ? Words.nearest(value.textValue(), words) : Optional.<String>empty())
            .map(word -> "; did you mean \"" + word + "\"?")
            .orElse(".");
  }

  private static String form(JsonNode schema) {
    JsonNode example = schema.path("examples").path(0);
    return example.isMissingNode() ? "." : "; write, for example, " + example.asText() + ".";
  }

  private static String example(JsonNode schema) {
    JsonNode shown = schema.path("default");
    if (shown.isMissingNode() || shown.isNull()) {
      shown = schema.path("examples").path(0);
    }
    if (shown.isNumber()) {
      return "; write, for example, " + Words.number(shown);
    }
    return shown.isMissingNode() || shown.isNull() || (shown.isContainerNode() && shown.isEmpty())
        ? ""
        : "; write, for example, " + shown.toString().replace("\"", "");
  }

  private static String pointer(JsonNodePath path) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < path.getNameCount(); i++) {
      out.append(Origins.child("", path.getElement(i).toString()));
    }
    return out.toString();
  }
}
