package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.util.ArrayList;
import java.util.List;

/** Sets values of an experiment from the command line: {@code methods.2.max_parameters=80000}. */
final class Overrides {
  private static final String MATRIX = "matrix.";

  private Overrides() {}

  /**
   * Sets them all.
   *
   * @param root an experiment as written
   * @param origins learns where the new values come from
   * @param overrides settings of the form {@code key=value}
   * @return pointers of what was set
   */
  static List<String> apply(JsonNode root, Origins origins, List<String> overrides) {
    List<String> set = new ArrayList<>();
    for (String override : overrides) {
      String place = "the override " + Words.shorten(override);
      int equals = override.indexOf('=');
      if (equals < 1) {
        throw GloraException.usage(
            place + ": this is no key=value; write, for example, training.steps=100.");
      }
      String key = override.substring(0, equals);
      if (key.equals("extends")) {
        throw GloraException.usage(
            place + ": extends belongs into a file; give the file itself to glora run.");
      }
      JsonNode value = YamlTree.parseValue(override.substring(equals + 1), place);
      set.add(set(root, origins, key, value, place, false));
    }
    return set;
  }

  /**
   * Sets one value.
   *
   * @param root an experiment as written
   * @param origins learns where the new value comes from
   * @param path path with dots; entries of lists by number, methods by their label too
   * @param value the new value
   * @param place where it stands, begins every error
   * @param merge whether an object is merged into the one that is there
   * @return where it was set, as a JSON pointer
   */
  static String set(
      JsonNode root, Origins origins, String path, JsonNode value, String place, boolean merge) {
    // Error messages write methods[2]; who copies it from there means methods.2.
    String key = path.replaceAll("\\[(\\d+)\\]", ".$1");
    // The keys of a matrix are paths themselves, with dots of their own.
    String[] parts = key.startsWith(MATRIX) ? key.split("\\.", 2) : key.split("\\.", -1);
    JsonNode at = root;
    String pointer = "";
    boolean kept = false;
    for (int i = 0; i < parts.length; i++) {
      String part = parts[i];
      boolean last = i == parts.length - 1;
      if (at instanceof ArrayNode array) {
        int index = index(array, part, pointer, place);
        pointer = Origins.child(pointer, index);
        if (last) {
          kept = merge && Composition.merges(array.get(index), value, pointer);
          array.set(index, kept ? merged(array.get(index), value, pointer) : value);
        }
        at = array.get(index);
      } else if (at instanceof ObjectNode object && !part.isEmpty()) {
        pointer = Origins.child(pointer, part);
        if (last) {
          kept = merge && Composition.merges(object.get(part), value, pointer);
          object.set(part, kept ? merged(object.get(part), value, pointer) : value);
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
                + Words.shorten(part)
                + "\"; set it as a whole.");
      }
    }
    if (kept) {
      origins.note(pointer, value, place);
    } else {
      origins.override(pointer, place);
    }
    return pointer;
  }

  private static JsonNode merged(JsonNode below, JsonNode above, String pointer) {
    ObjectNode out = below.deepCopy();
    for (var entry : above.properties()) {
      String child = Origins.child(pointer, entry.getKey());
      JsonNode own = out.get(entry.getKey());
      out.set(
          entry.getKey(),
          Composition.merges(own, entry.getValue(), child)
              ? merged(own, entry.getValue(), child)
              : entry.getValue());
    }
    return out;
  }

  private static int index(ArrayNode array, String part, String pointer, String place) {
    boolean number =
        !part.isEmpty() && part.length() < 9 && part.chars().allMatch(Character::isDigit);
    if (!number && pointer.equals("/methods")) {
      for (int i = 0; i < array.size(); i++) {
        JsonNode method = array.get(i);
        if (part.equals(method.path("label").asText(method.path("method").asText()))) {
          return i;
        }
      }
    }
    if (!number || Integer.parseInt(part) >= array.size()) {
      throw GloraException.usage(
          place
              + ": "
              + Origins.path(pointer)
              + " is a list of "
              + array.size()
              + ", found the index \""
              + Words.shorten(part)
              + "\", expected a number from 0 to "
              + (array.size() - 1)
              + ".");
    }
    return Integer.parseInt(part);
  }
}
