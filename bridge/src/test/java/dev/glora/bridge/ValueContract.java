package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** How values cross on every backend; with what the contracts of calls share. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ValueContract {

  protected static final String SAMPLES = "bridge_samples";

  protected PythonRuntime python;

  /** Returns the backend's name. */
  protected abstract String backend();

  @BeforeAll
  void open() {
    python = PythonRuntime.open(TestPython.config(backend()));
  }

  @AfterAll
  void close() {
    python.close();
  }

  protected Object call(String function, Object... args) {
    return python.call(SAMPLES, function, args).join();
  }

  protected Throwable failure(String function, Object... args) {
    return TestPython.failure(python.call(SAMPLES, function, args));
  }

  protected PythonException error(String function, Object... args) {
    Throwable failure = failure(function, args);
    assertThat(failure).isInstanceOf(PythonException.class);
    return (PythonException) failure;
  }

  @Test
  void scalarsCrossBothWays() {
    for (Object value :
        new Object[] {
          null,
          true,
          false,
          0L,
          Long.MIN_VALUE,
          Long.MAX_VALUE,
          -0.0,
          2.5,
          Double.NaN,
          Double.NEGATIVE_INFINITY,
          "",
          "é\0😀 zwölf"
        }) {
      assertThat(call("echo", value)).isEqualTo(value);
    }
    assertThat(call("total", 2L, 3L)).isEqualTo(5L);
    assertThat(call("half", 5.0)).isEqualTo(2.5);
    assertThat(call("nothing")).isNull();
    assertThat(call("echo", 3)).isEqualTo(3L);
    assertThat(call("echo", 2.5f)).isEqualTo(2.5);
  }

  @Test
  void bytesCrossBothWays() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    assertThat((byte[]) call("echo", (Object) all)).isEqualTo(all);
    assertThat((byte[]) call("echo", (Object) new byte[0])).isEmpty();
    assertThat(call("kinds", (Object) all)).isEqualTo("bytes");
  }

  @Test
  void collectionsArriveInPythonAsRealDictAndList() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("z", 1L);
    map.put("a", Arrays.asList(1.5, null, "x", true, List.of(), Map.of()));
    map.put("deep", Map.of("b", List.of(new byte[] {1}, Map.of("c", List.of(2L)))));
    Map<String, Object> kinds = new LinkedHashMap<>();
    kinds.put("z", "int");
    kinds.put("a", List.of("float", "NoneType", "str", "bool", List.of(), Map.of()));
    kinds.put("deep", Map.of("b", List.of("bytes", Map.of("c", List.of("int")))));
    assertThat(call("kinds", map)).isEqualTo(kinds);
    assertThat(((Map<?, ?>) call("echo", map)).keySet().toArray())
        .containsExactly("z", "a", "deep");
  }

  @Test
  void collectionsArriveInJavaInOrder() {
    Object result = call("results");
    assertThat(result).isInstanceOf(LinkedHashMap.class);
    Map<?, ?> map = (Map<?, ?>) result;
    assertThat(map.keySet().toArray()).containsExactly("z", "a", "nested");
    List<?> tuple = (List<?>) map.get("a");
    assertThat(tuple).isInstanceOf(ArrayList.class);
    assertThat(tuple.subList(0, 3)).isEqualTo(List.of(1L, 2.5, "é\0😀"));
    assertThat((byte[]) tuple.get(3)).containsExactly(0, -1);
    assertThat(tuple.get(4)).isNull();
    assertThat(tuple.get(5)).isEqualTo(true);
    assertThat(map.get("nested"))
        .isEqualTo(
            List.of(
                Map.of(
                    "deep",
                    List.of(
                        List.of(),
                        Map.of(),
                        Long.MIN_VALUE,
                        Long.MAX_VALUE,
                        Double.POSITIVE_INFINITY))));
  }

  @Test
  void resultsThatCannotCrossAreNamed() {
    assertThat(error("result_of", "{'a': [1, {2}]}").message())
        .contains("returned set at ['a'][1]")
        .contains("bridge_samples.result_of");
    assertThat(error("result_of", "2 ** 63").message()).contains("64 bits");
    assertThat(error("result_of", "{1: 2}").message()).contains("key of type int");
    assertThat(error("result_of", "object()").type()).isEqualTo("TypeError");
  }

  @Test
  void argumentsThatCannotCrossAreNamed() {
    assertThat(failure("echo", Thread.currentThread()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.Thread");
    assertThat(failure("echo", Map.of(1L, 2L)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("only strings are keys");
    assertThat(failure("echo", "half \ud800 pair"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("index 5");
    assertThat(call("echo", 1L)).isEqualTo(1L);
  }
}
