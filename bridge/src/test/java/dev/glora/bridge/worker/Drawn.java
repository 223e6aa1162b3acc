package dev.glora.bridge.worker;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Values drawn from all that may cross. */
final class Drawn {

  private static final Object[] EDGES = {
    null,
    true,
    false,
    0L,
    -1L,
    Long.MIN_VALUE,
    Long.MAX_VALUE,
    0.0,
    -0.0,
    5.0,
    Double.MIN_VALUE,
    Double.MAX_VALUE,
    Double.NaN,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    "",
    "NaN",
    "\0",
    "\\ \" \u2028 \ufeff",
    new byte[0],
    new byte[] {0, -1, 10, 13, 34, 92}
  };

  private Drawn() {}

  /** Returns a scalar, or a list or map of at most this depth. */
  static Object value(SplittableRandom random, int depth) {
    return switch (random.nextInt(depth > 0 ? 8 : 6)) {
      case 0 -> EDGES[random.nextInt(EDGES.length)];
      case 1 -> random.nextLong();
      case 2 -> Double.longBitsToDouble(random.nextLong());
      case 3 -> text(random);
      case 4 -> {
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        yield bytes;
      }
      case 5 -> random.nextInt() * 0.5;
      case 6 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(5); i > 0; i--) {
          list.add(value(random, depth - 1));
        }
        yield list;
      }
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(5); i > 0; i--) {
          map.put(text(random), value(random, depth - 1));
        }
        yield map;
      }
    };
  }

  /** Returns the same with arrays as lists, so that {@code equals} compares exactly, and order. */
  static Object comparable(Object value) {
    if (value instanceof byte[] bytes) {
      return List.of("bytes", Arrays.toString(bytes));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Drawn::comparable).toList();
    }
    if (value instanceof Map<?, ?> map) {
      List<Object> entries = new ArrayList<>(List.of("map"));
      map.forEach((key, item) -> entries.addAll(Arrays.asList(key, comparable(item))));
      return entries;
    }
    return value;
  }

  /** Any characters of Unicode, pairs of surrogates among them. */
  private static String text(SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(8); i > 0; i--) {
      int point = random.nextInt(4) == 0 ? random.nextInt(0x110000) : random.nextInt(0x80);
      if (point < Character.MIN_SURROGATE || point > Character.MAX_SURROGATE) {
        text.appendCodePoint(point);
      }
    }
    return text.toString();
  }
}
