package dev.glora.bridge.spi;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;

/** Reads what {@code encode} in {@code trampoline.py} made. */
public final class Results {

  private static final long LIST = 0;
  private static final long DICT = 1;

  private Results() {}

  /**
   * Returns a result as plain Java values, or throws the failure that it is.
   *
   * @param result a scalar, or a list that begins with what it is
   * @param thrown gives the exception that a Java function threw, by its number
   * @throws dev.glora.bridge.BridgeException if it is a failure
   */
  public static Object decode(Object result, LongFunction<Throwable> thrown) {
    if (!(result instanceof List<?> list)) {
      return result;
    }
    long kind = (Long) list.get(0);
    if (kind == LIST) {
      List<Object> items = new ArrayList<>(list.size() - 1);
      for (Object item : list.subList(1, list.size())) {
        items.add(decode(item, thrown));
      }
      return items;
    }
    if (kind == DICT) {
      Map<String, Object> map = new LinkedHashMap<>();
      for (int i = 1; i < list.size(); i += 2) {
        map.put((String) list.get(i), decode(list.get(i + 1), thrown));
      }
      return map;
    }
    throw Failures.of(list, thrown);
  }
}
