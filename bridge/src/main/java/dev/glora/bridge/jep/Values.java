package dev.glora.bridge.jep;

import dev.glora.bridge.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Turns arguments into what Jep hands over as itself, and results back; the counterpart of {@code
 * decode} and {@code encode} in {@code trampoline.py}, which explains both forms.
 */
final class Values {

  private static final long LIST = 0;
  private static final long DICT = 1;

  private final String label;
  private final LongConsumer handedOver;
  private final StringBuilder program = new StringBuilder();
  private final List<Object> values = new ArrayList<>();

  private Values(String label, LongConsumer handedOver) {
    this.label = label;
    this.handedOver = handedOver;
    values.add(null); // The program's place.
  }

  /** Tells whether all arguments are scalars that need no encoding. */
  static boolean crossAsTheyAre(Object[] args) {
    for (Object arg : args) {
      if (!(arg instanceof Long
          || arg instanceof Double
          || arg instanceof Boolean
          || arg == null)) {
        return false;
      }
    }
    return true;
  }

  /** Returns the program, then its values. */
  static Object[] encode(Object[] args, String label, LongConsumer handedOver) {
    Values encoded = new Values(label, handedOver);
    for (Object arg : args) {
      encoded.add(arg);
    }
    encoded.values.set(0, encoded.program.toString());
    return encoded.values.toArray();
  }

  private void add(Object arg) {
    if (arg == null
        || arg instanceof Long
        || arg instanceof Double
        || arg instanceof Boolean
        || arg instanceof Integer
        || arg instanceof Float
        || arg instanceof Short
        || arg instanceof Byte) {
      add('v', arg);
    } else if (arg instanceof String text) {
      add('v', checked(text));
    } else if (arg instanceof Tensor tensor) {
      addTensor(tensor);
    } else if (arg instanceof List<?> list) {
      program.append('[');
      list.forEach(this::add);
      program.append(']');
    } else if (arg instanceof Map<?, ?> map) {
      program.append('{');
      map.forEach(this::addEntry);
      program.append('}');
    } else if (arg instanceof byte[] bytes) {
      // Jep hands byte[] over as an array of signed numbers that bytes() does not take.
      add('b', new String(bytes, StandardCharsets.ISO_8859_1));
    } else {
      throw new IllegalArgumentException(
          ("An argument of %s has type %s, which cannot cross to Python: pass null, "
                  + "Boolean, Long, Double, String, byte[], List, Map or Tensor.")
              .formatted(label, arg.getClass().getName()));
    }
  }

  private void addEntry(Object key, Object item) {
    if (!(key instanceof String name)) {
      throw new IllegalArgumentException(
          "A map for %s has the key %s (%s): only strings are keys."
              .formatted(label, key, key == null ? "null" : key.getClass().getName()));
    }
    add('v', checked(name));
    add(item);
  }

  private void addTensor(Tensor tensor) {
    program.append('t');
    values.add(tensor.id());
    values.add(tensor.buffer());
    values.add(tensor.dtype().torchName());
    long[] shape = tensor.shape();
    values.add(shape.length);
    for (long size : shape) {
      values.add(size);
    }
    handedOver.accept(tensor.id());
  }

  private void add(char step, Object value) {
    program.append(step);
    values.add(value);
  }

  /** Refuses what Jep would turn into None, leaving an error behind that strikes the next call. */
  private String checked(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        boolean pair =
            Character.isHighSurrogate(text.charAt(i))
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          throw new IllegalArgumentException(
              ("A string for %s has half of a surrogate pair at index %d, which is no text: "
                      + "pass whole characters.")
                  .formatted(label, i));
        }
        i++;
      }
    }
    return text;
  }

  /** Returns a result as plain Java values, or throws the failure that it is. */
  static Object decode(Object result) {
    if (!(result instanceof List<?> list)) {
      return result;
    }
    long kind = (Long) list.get(0);
    if (kind == LIST) {
      List<Object> items = new ArrayList<>(list.size() - 1);
      for (Object item : list.subList(1, list.size())) {
        items.add(decode(item));
      }
      return items;
    }
    if (kind == DICT) {
      Map<String, Object> map = new LinkedHashMap<>();
      for (int i = 1; i < list.size(); i += 2) {
        map.put((String) list.get(i), decode(list.get(i + 1)));
      }
      return map;
    }
    throw Failures.of(list);
  }
}
