package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where each value of an experiment was written: by JSON pointer, file with line and column. */
final class Origins {
  private final Map<String, String> values = new HashMap<>();
  private final Map<String, String> keys = new HashMap<>();
  private final String file;

  Origins(String file) {
    this.file = file;
  }

  String file() {
    return file;
  }

  void value(String pointer, String origin) {
    values.put(pointer, origin);
  }

  void key(String pointer, String origin) {
    keys.put(pointer, origin);
  }

  /** An override hides what the file said below the pointer. */
  void override(String pointer, String origin) {
    values.keySet().removeIf(known -> known.startsWith(pointer + "/"));
    keys.keySet().removeIf(known -> known.startsWith(pointer + "/"));
    values.put(pointer, origin);
    keys.put(pointer, origin);
  }

  /** A value was merged into the one at a pointer: its leaves stand elsewhere from now on. */
  void note(String pointer, JsonNode value, String origin) {
    if (!value.isObject()) {
      override(pointer, origin);
      return;
    }
    for (var entry : value.properties()) {
      note(child(pointer, entry.getKey()), entry.getValue(), origin);
    }
  }

  /** Takes over where one value stands and its key. */
  void take(String pointer, Origins from) {
    copy(pointer, from.values, values);
    copy(pointer, from.keys, keys);
  }

  private static void copy(String pointer, Map<String, String> from, Map<String, String> to) {
    String place = from.get(pointer);
    if (place != null) {
      to.put(pointer, place);
    }
  }

  /** Takes over where a value and everything in it stands, in place of what was known below. */
  void takeAll(String pointer, Origins from) {
    override(pointer, from.of(pointer));
    take(pointer, from);
    from.values.forEach((at, place) -> put(pointer, at, place, values));
    from.keys.forEach((at, place) -> put(pointer, at, place, keys));
  }

  private static void put(String pointer, String at, String place, Map<String, String> to) {
    if (at.startsWith(pointer + "/")) {
      to.put(at, place);
    }
  }

  /** Becomes the places of a tree into which this one's were merged; the root stays this file's. */
  void become(Origins merged) {
    String root = values.get("");
    values.clear();
    values.putAll(merged.values);
    keys.clear();
    keys.putAll(merged.keys);
    if (root != null) {
      values.put("", root);
    }
  }

  Origins copy() {
    Origins out = new Origins(file);
    out.values.putAll(values);
    out.keys.putAll(keys);
    return out;
  }

  /** Where the value stands, or the nearest value around it that was written down. */
  String of(String pointer) {
    String at = pointer;
    while (true) {
      String found = values.get(at);
      if (found != null) {
        return found;
      }
      int slash = at.lastIndexOf('/');
      if (slash < 0) {
        return file;
      }
      at = at.substring(0, slash);
    }
  }

  /** Returns the first of some pointers that was written down, or the first of all. */
  String firstWritten(List<String> pointers) {
    return pointers.stream().filter(values::containsKey).findFirst().orElse(pointers.get(0));
  }

  /** Where the key of the value stands. */
  String ofKey(String pointer) {
    String found = keys.get(pointer);
    return found != null ? found : of(pointer);
  }

  static String child(String pointer, String key) {
    return pointer + "/" + key.replace("~", "~0").replace("/", "~1");
  }

  static String child(String pointer, int index) {
    return pointer + "/" + index;
  }

  /** Writes a pointer as people write paths: {@code methods[2].search.parents}. */
  static String path(String pointer) {
    StringBuilder out = new StringBuilder();
    for (String part : pointer.split("/", -1)) {
      if (part.isEmpty()) {
        continue;
      }
      if (part.chars().allMatch(Character::isDigit)) {
        out.append('[').append(part).append(']');
      } else {
        out.append(out.length() == 0 ? "" : ".")
            .append(Words.shorten(part.replace("~1", "/").replace("~0", "~")));
      }
    }
    return out.length() == 0 ? "the experiment" : out.toString();
  }
}
