package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.util.List;

/** Sets values of an experiment from the command line: {@code methods.2.max_parameters=80000}. */
final class Overrides {
  private Overrides() {}

  static void apply(JsonNode root, Origins origins, List<String> overrides) {
    for (String override : overrides) {
      apply(root, origins, override);
    }
  }

  private static void apply(JsonNode root, Origins origins, String override) {
    String place = "the override " + override;
    int equals = override.indexOf('=');
    if (equals < 1) {
      throw GloraException.usage(
          place + ": this is no key=value; write, for example, training.steps=100.");
    }
    JsonNode value = YamlTree.parseValue(override.substring(equals + 1), place);
    // Error messages write methods[2]; who copies it from there means methods.2.
    String key = override.substring(0, equals).replaceAll("\\[(\\d+)\\]", ".$1");
    String[] parts = key.split("\\.", -1);
    JsonNode at = root;
    String pointer = "";
    for (int i = 0; i < parts.length; i++) {
      String part = parts[i];
      boolean last = i == parts.length - 1;
      if (at instanceof ArrayNode array) {
        int index = index(array, part, pointer, place);
        pointer = Origins.child(pointer, index);
        if (last) {
          array.set(index, value);
        }
        at = array.get(index);
      } else if (at instanceof ObjectNode object && !part.isEmpty()) {
        pointer = Origins.child(pointer, part);
        if (last) {
          object.set(part, value);
        } else if (!object.has(part) || object.get(part).isNull()) {
          object.set(part, Json.object());
          origins.override(pointer, place);
        }
        at = object.get(part);
      } else {
        throw GloraException.usage(
            place
                + ": "
                + Origins.path(pointer)
                + " is "
                + Words.value(at)
                + ", which has no key \""
                + part
                + "\"; set it as a whole.");
      }
    }
    origins.override(pointer, place);
  }

  private static int index(ArrayNode array, String part, String pointer, String place) {
    boolean number =
        !part.isEmpty() && part.length() < 9 && part.chars().allMatch(Character::isDigit);
    if (!number || Integer.parseInt(part) >= array.size()) {
      throw GloraException.usage(
          place
              + ": "
              + Origins.path(pointer)
              + " is a list of "
              + array.size()
              + ", found the index \""
              + part
              + "\", expected a number from 0 to "
              + (array.size() - 1)
              + ".");
    }
    return Integer.parseInt(part);
  }
}
