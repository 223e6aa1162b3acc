package dev.glora.bridge.worker;

import dev.glora.bridge.DType;
import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorStorage;
import dev.glora.bridge.spi.Arguments;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;

/**
 * Values on their way between the processes, in the form that {@link Arguments} gives them: a
 * program and a flat row of values, in which a Java function is its number.
 */
final class Program {

  private static final Map<String, DType> DTYPES = new HashMap<>();

  static {
    for (DType dtype : DType.values()) {
      DTYPES.put(dtype.torchName(), dtype);
    }
  }

  private Program() {}

  /**
   * Returns [program, values].
   *
   * @throws IllegalArgumentException if a value cannot cross
   */
  static Object[] encode(
      Object[] values, String label, LongConsumer handedOver, Function<JavaFunction, ?> functions) {
    return parts(Arguments.encode(values, label, handedOver, functions));
  }

  /** Splits what {@link Arguments} made into [program, values]. */
  static Object[] parts(Object[] encoded) {
    Object[] values = new Object[encoded.length - 1];
    for (int i = 0; i < values.length; i++) {
      Object value = encoded[i + 1];
      if (value instanceof ByteBuffer memory) {
        if (memory.capacity() > 0) {
          throw new IllegalArgumentException(
              "A tensor of %d bytes lies in the memory of this process, which a worker cannot see:"
                      .formatted(memory.capacity())
                  + " allocate it in a scope of the worker's runtime (PythonRuntime.scope).");
        }
        value = null;
      }
      values[i] = value;
    }
    return new Object[] {encoded[0], values};
  }

  /**
   * Builds the values that a program describes.
   *
   * @param functions gives the Java function of a number
   */
  static List<Object> decode(String program, List<?> values, LongFunction<JavaFunction> functions) {
    Iterator<?> value = values.iterator();
    Deque<List<Object>> outer = new ArrayDeque<>();
    List<Object> here = new ArrayList<>();
    for (int i = 0; i < program.length(); i++) {
      char step = program.charAt(i);
      switch (step) {
        case 'v' -> here.add(value.next());
        case 'b' -> here.add(((String) value.next()).getBytes(StandardCharsets.ISO_8859_1));
        case 'f' -> here.add(functions.apply((Long) value.next()));
        case 'm', 't' -> here.add(tensor(step == 'm', value));
        case '[', '{' -> {
          outer.push(here);
          here = new ArrayList<>();
        }
        default -> {
          Object done = step == ']' ? here : map(here);
          here = outer.pop();
          here.add(done);
        }
      }
    }
    return here;
  }

  private static Map<String, Object> map(List<Object> flat) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < flat.size(); i += 2) {
      map.put((String) flat.get(i), flat.get(i + 1));
    }
    return map;
  }

  private static Tensor tensor(boolean mapped, Iterator<?> value) {
    long id = (Long) value.next();
    TensorStorage storage;
    if (mapped) {
      Path file = Path.of((String) value.next());
      storage =
          new TensorStorage.MappedFile(
              file, (Long) value.next(), (Long) value.next(), (Boolean) value.next());
    } else {
      value.next();
      storage = new TensorStorage.Direct(ByteBuffer.allocateDirect(0));
    }
    DType dtype = DTYPES.get(value.next());
    long[] shape = new long[Math.toIntExact((Long) value.next())];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = (Long) value.next();
    }
    return Tensor.foreign(id, "of the caller", dtype, shape, storage);
  }
}
