package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The {@code matrix} of an experiment: keys with lists of values, of which every combination is a
 * variant. A value that is an object is merged into the one that it stands for, as by {@code
 * extends}; any other takes its place.
 */
final class Matrix {
  private static final int MOST_VARIANTS = 10_000;

  /** What varies by itself, or cannot, and what to do instead. */
  private static final Map<String, String> FIXED =
      Map.of(
          "/version", "is the same for all variants",
          "/name", "is the same for all variants; give each name a file of its own",
          "/seeds", "is a list of its own; write the seeds there",
          "/methods",
              "is a list of its own; write the methods there, or vary a key of one such as"
                  + " methods.0.training.steps",
          "/extends", "is followed before anything is varied",
          "/matrix", "cannot vary itself",
          "/runtime", "is set once in a process; run the file once for each, with a key=value");

  /** Takes a variant. */
  @FunctionalInterface
  interface Consumer {
    /**
     * Takes one.
     *
     * @param tree the experiment with the variant's values
     * @param origins where they stand
     * @param settings what the matrix set
     */
    void accept(JsonNode tree, Origins origins, List<Setting> settings);
  }

  private record Axis(String key, String pointer, List<JsonNode> values) {
    private String shown() {
      return Words.shorten(key);
    }
  }

  private final ObjectNode tree;
  private final Origins origins;
  private final List<Axis> axes = new ArrayList<>();

  private Matrix(ObjectNode tree, Origins origins) {
    this.tree = tree;
    this.origins = origins;
  }

  /**
   * Takes the matrix out of an experiment and checks it.
   *
   * @param tree an experiment as written, overrides applied; loses its {@code matrix}
   * @param origins where its values stand
   * @param set pointers that overrides have set: such a key is not varied any more
   * @return the matrix, without axes where there is none
   */
  static Matrix take(ObjectNode tree, Origins origins, List<String> set) {
    JsonNode given = tree.remove("matrix");
    Matrix matrix = new Matrix(tree, origins);
    if (given == null) {
      return matrix;
    }
    if (!given.isObject()) {
      throw GloraException.usage(
          origins.of("/matrix")
              + ": matrix is "
              + Words.value(given)
              + ", expected an object of keys with lists, such as {task.domain: [movies,"
              + " tweets]}.");
    }
    long variants = 1;
    for (var entry : given.properties()) {
      Axis axis = matrix.axis(entry.getKey(), entry.getValue());
      if (set.contains(axis.pointer)) {
        continue;
      }
      for (String pointer : set) {
        if (overlap(pointer, axis.pointer)) {
          throw matrix.error(
              axis.key,
              "an override sets "
                  + Origins.path(pointer)
                  + ", which the matrix varies by "
                  + axis.shown()
                  + "; set that key, or matrix."
                  + axis.shown()
                  + "=[…]");
        }
      }
      for (Axis other : matrix.axes) {
        if (overlap(other.pointer, axis.pointer)) {
          throw matrix.error(
              axis.key,
              "the matrix varies "
                  + axis.shown()
                  + " and "
                  + other.shown()
                  + ", one of which holds the other; vary one of them");
        }
      }
      matrix.axes.add(axis);
      variants *= axis.values.size();
      if (variants > MOST_VARIANTS) {
        throw matrix.error(
            axis.key,
            "the matrix has over "
                + MOST_VARIANTS
                + " variants with this key; vary fewer keys at once");
      }
    }
    return matrix;
  }

  /**
   * Makes the variants.
   *
   * @param each gets them, the last key of the file varying fastest
   */
  void variants(Consumer each) {
    int[] at = new int[axes.size()];
    while (true) {
      ObjectNode variant = axes.isEmpty() ? tree : tree.deepCopy();
      Origins own = axes.isEmpty() ? origins : origins.copy();
      List<Setting> settings = new ArrayList<>();
      for (int i = 0; i < at.length; i++) {
        Axis axis = axes.get(i);
        JsonNode value = axis.values.get(at[i]);
        String place = origins.of(Origins.child(Origins.child("/matrix", axis.key), at[i]));
        Overrides.set(variant, own, axis.key, value, place, true);
        settings.add(new Setting(axis.key, axis.pointer, value));
      }
      each.accept(variant, own, settings);
      int i = at.length - 1;
      while (i >= 0 && ++at[i] == axes.get(i).values.size()) {
        at[i--] = 0;
      }
      if (i < 0) {
        return;
      }
    }
  }

  private Axis axis(String key, JsonNode values) {
    String place = origins.of(Origins.child("/matrix", key));
    if (!values.isArray() || values.isEmpty()) {
      throw GloraException.usage(
          place
              + ": matrix."
              + Words.shorten(key)
              + " is "
              + Words.value(values)
              + ", expected a list of the values that "
              + Words.shorten(key)
              + " takes.");
    }
    List<JsonNode> all = new ArrayList<>();
    values.forEach(all::add);
    String pointer =
        Overrides.set(tree.deepCopy(), new Origins(place), key, all.get(0), place, true);
    for (var fixed : FIXED.entrySet()) {
      boolean within = !fixed.getKey().equals("/methods");
      if (pointer.equals(fixed.getKey()) || (within && overlap(fixed.getKey(), pointer))) {
        throw error(key, "the matrix varies " + Words.shorten(key) + ", which " + fixed.getValue());
      }
    }
    return new Axis(key, pointer, all);
  }

  private static boolean overlap(String one, String other) {
    return (one + "/").startsWith(other + "/") || (other + "/").startsWith(one + "/");
  }

  private GloraException error(String key, String sentence) {
    return GloraException.usage(
        origins.ofKey(Origins.child("/matrix", key)) + ": " + sentence + ".");
  }
}
