package dev.glora;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Where two JSON trees differ. */
public final class Differences {
  private Differences() {}

  /**
   * One place.
   *
   * @param path where it is, such as {@code training.steps} or {@code ranks[2]}; empty for the root
   * @param first its value in the first tree, a missing node where it has none
   * @param second its value in the second tree, a missing node where it has none
   */
  public record Difference(String path, JsonNode first, JsonNode second) {}

  /**
   * Compares two trees. Lists of different lengths differ as wholes.
   *
   * @param first a tree
   * @param second another tree
   * @return the places where they differ, in the order of the first tree
   */
  public static List<Difference> of(JsonNode first, JsonNode second) {
    List<Difference> found = new ArrayList<>();
    compare("", first, second, found);
    return found;
  }

  private static void compare(
      String path, JsonNode first, JsonNode second, List<Difference> found) {
    // By text: 8 read from the store and 8 read from a file are numbers of different widths.
    if (first.isMissingNode() == second.isMissingNode()
        && Json.canonical(first).equals(Json.canonical(second))) {
      return;
    }
    if (first.isObject() && second.isObject()) {
      Set<String> keys = new LinkedHashSet<>();
      first.fieldNames().forEachRemaining(keys::add);
      second.fieldNames().forEachRemaining(keys::add);
      for (String key : keys) {
        String inner = path.isEmpty() ? key : path + "." + key;
        compare(inner, first.path(key), second.path(key), found);
      }
    } else if (first.isArray() && second.isArray() && first.size() == second.size()) {
      for (int i = 0; i < first.size(); i++) {
        compare(path + "[" + i + "]", first.get(i), second.get(i), found);
      }
    } else {
      found.add(new Difference(path, first, second));
    }
  }
}
