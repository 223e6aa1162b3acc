package dev.glora.bridge.spi;

import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorStorage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongConsumer;

/**
 * Turns arguments into a program and values that cross as themselves; the counterpart of {@code
 * decode} in {@code trampoline.py}, which explains the form.
 */
public final class Arguments {

  private final String label;
  private final LongConsumer handedOver;
  private final Function<JavaFunction, ?> functions;
  private final StringBuilder program = new StringBuilder();
  private final List<Object> values = new ArrayList<>();

  private Arguments(String label, LongConsumer handedOver, Function<JavaFunction, ?> functions) {
    this.label = label;
    this.handedOver = handedOver;
    this.functions = functions;
    values.add(null); // The program's place.
  }

  /** Tells whether all arguments are scalars that need no encoding. */
  public static boolean crossAsTheyAre(Object[] args) {
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

  /**
   * Returns the program, then its values.
   *
   * @param args the arguments
   * @param label names the function in messages
   * @param handedOver told of each tensor among them
   * @param functions makes what crosses in place of a {@link JavaFunction}
   * @throws IllegalArgumentException if an argument cannot cross
   */
  public static Object[] encode(
      Object[] args, String label, LongConsumer handedOver, Function<JavaFunction, ?> functions) {
    Arguments encoded = new Arguments(label, handedOver, functions);
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
    } else if (arg instanceof JavaFunction function) {
      add('f', functions.apply(function));
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
                  + "Boolean, Long, Double, String, byte[], List, Map, Tensor or JavaFunction.")
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
    TensorStorage storage = tensor.storage();
    if (storage instanceof TensorStorage.MappedFile file) {
      program.append('m');
      values.add(tensor.id());
      values.add(file.file().toString());
      values.add(file.offset());
      values.add(file.bytes());
      values.add(file.writable());
    } else {
      program.append('t');
      values.add(tensor.id());
      values.add(((TensorStorage.Direct) storage).memory());
    }
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
}
