package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/**
 * Lays an experiment file over the files that it extends.
 *
 * <p>The rule: objects are merged key by key, everything else is replaced, lists too. A source
 * ({@code model}, {@code task.source}) is replaced as a whole, or the digest of one would be kept
 * for another. Of several files the later one lies over the earlier one, and the file itself over
 * them all. A path is relative to the file that names it.
 */
final class Composition {
  /** Bounds what files that name each other many times can make of themselves. */
  private static final int MOST_FILES = 64;

  private static final Set<String> WHOLE = Set.of("/model", "/task/source");

  private final Deque<Path> open = new ArrayDeque<>();
  private int files;

  private Composition() {}

  /**
   * Composes.
   *
   * @param yaml the text of an experiment file
   * @param file its path, which need not exist where it extends nothing
   * @param origins gets the places of what remains; its file begins every error
   * @return the tree without {@code extends}
   */
  static JsonNode compose(String yaml, Path file, Origins origins) {
    return new Composition().read(yaml, file, origins);
  }

  private JsonNode read(String yaml, Path file, Origins origins) {
    JsonNode tree = YamlTree.parse(yaml, origins);
    if (!(tree instanceof ObjectNode own) || !own.has("extends")) {
      return tree;
    }
    Path real = real(file);
    open.push(real);
    ObjectNode base = null;
    Origins below = null;
    for (Named named : named(own, origins)) {
      String at = origins.of(named.pointer);
      Path path = sibling(file, named.path, at);
      Origins place = new Origins(path.toString());
      JsonNode other = extended(path, place, at);
      if (base == null) {
        base = (ObjectNode) other;
        below = place;
      } else {
        merge(base, below, (ObjectNode) other, place, "");
      }
    }
    open.pop();
    own.remove("extends");
    if (base == null) {
      return own;
    }
    merge(base, below, own, origins, "");
    origins.become(below);
    return base;
  }

  private record Named(String path, String pointer) {}

  private static List<Named> named(ObjectNode tree, Origins origins) {
    JsonNode given = tree.get("extends");
    List<Named> out = new ArrayList<>();
    if (given.isArray()) {
      for (int i = 0; i < given.size(); i++) {
        out.add(new Named(text(given.get(i), "/extends/" + i, origins), "/extends/" + i));
      }
    } else {
      out.add(new Named(text(given, "/extends", origins), "/extends"));
    }
    return out;
  }

  private static String text(JsonNode node, String pointer, Origins origins) {
    if (!node.isTextual() || node.textValue().isBlank()) {
      throw GloraException.usage(
          origins.of(pointer)
              + ": "
              + Origins.path(pointer)
              + " is "
              + Words.value(node)
              + ", expected the path of an experiment file or a list of such paths.");
    }
    return node.textValue();
  }

  private static Path sibling(Path file, String name, String at) {
    try {
      return file.resolveSibling(name);
    } catch (InvalidPathException e) {
      throw GloraException.usage(
          at + ": extends names no path (" + Words.shorten(e.getReason()) + "); name a file.");
    }
  }

  private JsonNode extended(Path path, Origins place, String at) {
    String yaml;
    try {
      if (open.contains(real(path))) {
        throw GloraException.usage(
            path + " extends itself through the files that it names; end the circle.");
      }
      yaml = ExperimentReader.text(path);
    } catch (GloraException e) {
      throw new GloraException(e.code(), at + ": extends: " + e.sentence(), e);
    }
    if (++files > MOST_FILES) {
      throw GloraException.usage(
          at + ": extends leads to more than " + MOST_FILES + " files; extend fewer.");
    }
    JsonNode tree = read(yaml, path, place);
    if (!tree.isObject()) {
      throw error(place, "the file is " + Words.value(tree) + ", expected an object to extend");
    }
    JsonNode version = tree.path("version");
    if (!version.isIntegralNumber() || version.longValue() != 1) {
      throw error(
          place,
          "the file is extended by another and has no version: 1, which says how to read it");
    }
    return tree;
  }

  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      // A text without a file: nothing can extend it.
      return file.toAbsolutePath().normalize();
    }
  }

  private static void merge(
      ObjectNode base, Origins below, ObjectNode over, Origins above, String pointer) {
    for (var entry : over.properties()) {
      String child = Origins.child(pointer, entry.getKey());
      if (merges(base.get(entry.getKey()), entry.getValue(), child)) {
        below.take(child, above);
        merge(
            (ObjectNode) base.get(entry.getKey()),
            below,
            (ObjectNode) entry.getValue(),
            above,
            child);
      } else {
        base.set(entry.getKey(), entry.getValue());
        below.takeAll(child, above);
      }
    }
  }

  /**
   * Whether a value is merged into the one below it.
   *
   * @param below a value or null
   * @param above the value that comes over it
   * @param pointer where both stand
   */
  static boolean merges(JsonNode below, JsonNode above, String pointer) {
    return below instanceof ObjectNode && above instanceof ObjectNode && !WHOLE.contains(pointer);
  }

  private static GloraException error(Origins origins, String sentence) {
    return GloraException.usage(origins.of("") + ": " + sentence + ".");
  }
}
