package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.glora.store.RunStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Sources of a run that are files of the machine it ran on: a bundle carries them, and where they
 * are missing the carried ones take their place.
 */
final class Sources {
  /** Section of the store that an import writes. */
  static final String SECTION = "imported";

  private static final String LOCAL = "local:";

  private Sources() {}

  /** The files and folders that a configuration names by {@code local:}. */
  static Set<String> local(JsonNode resolved) {
    Set<String> found = new LinkedHashSet<>();
    collect(resolved, found);
    return found;
  }

  static Path path(String source) {
    return Path.of(source.substring(LOCAL.length()));
  }

  private static void collect(JsonNode node, Set<String> found) {
    if (node.isTextual() && node.textValue().startsWith(LOCAL)) {
      found.add(node.textValue());
    }
    node.forEach(inner -> collect(inner, found));
  }

  /**
   * The configuration as it can be run here.
   *
   * @param resolved configuration of a run
   * @param store its store
   * @param run its id
   * @param home its folder
   * @return the same, with carried sources in place of missing ones
   */
  static JsonNode here(JsonNode resolved, RunStore store, String run, Path home) {
    JsonNode carried =
        store
            .section(run, SECTION)
            .map(section -> section.path("sources"))
            .orElse(TextNode.valueOf(""));
    return replaced(resolved, carried, home);
  }

  private static JsonNode replaced(JsonNode node, JsonNode carried, Path home) {
    if (node.isTextual()
        && carried.has(node.textValue())
        && !Files.exists(path(node.textValue()))) {
      return TextNode.valueOf(
          LOCAL + home.resolve(carried.path(node.textValue()).asText()).toAbsolutePath());
    }
    if (node instanceof ObjectNode object) {
      ObjectNode copy = object.objectNode();
      object.properties().forEach(e -> copy.set(e.getKey(), replaced(e.getValue(), carried, home)));
      return copy;
    }
    if (node instanceof ArrayNode array) {
      ArrayNode copy = array.arrayNode();
      array.forEach(each -> copy.add(replaced(each, carried, home)));
      return copy;
    }
    return node;
  }
}
