package dev.glora.bridge.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.glora.bridge.DType;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the time of {@link ShareBenchmarks} goes: the three parts alone and together, in turns.
 *
 * <p>A part that is repeated on its own finds its memory in the caches of the cores that it uses; a
 * part that follows another does not. So each part is also timed where it stands in the whole, by
 * its own clock, Python's add inside of the function: what is left over is the bridge.
 */
public final class ShareProfile {

  private static final int ADDS = 5;

  private ShareProfile() {}

  /**
   * Runs the turns.
   *
   * @param args the file for the result and the number of rounds
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[1]);
    Map<String, List<Double>> millis = new LinkedHashMap<>();
    PythonRuntime runtime = GloraPeer.open();
    TensorScope scope = runtime.scope("share");
    Tensor large = scope.allocate("large", DType.F32, Numbers.COUNT);
    FloatBuffer numbers = large.floats();
    runtime.call(GloraPeer.MODULE, "bind", 1, large).join();
    PythonFunction timed =
        runtime.submit(session -> session.function(GloraPeer.MODULE, "touch_timed")).join();
    for (int round = -20; round < rounds; round++) { // The first ones warm up.
      Map<String, Double> found =
          runtime
              .submit(
                  session -> {
                    Map<String, Double> turn = whole(numbers, timed);
                    alone(turn, numbers, timed);
                    return turn;
                  })
              .join();
      if (round >= 0) {
        found.forEach(
            (name, nanos) ->
                millis.computeIfAbsent(name, key -> new ArrayList<>()).add(nanos / 1e6));
      }
    }
    runtime.call(GloraPeer.MODULE, "unbind", 1).join();
    scope.close();
    runtime.close();
    new ObjectMapper().writeValue(Path.of(args[0]).toFile(), millis);
  }

  /** The three parts one after the other, and each of them in it. */
  private static Map<String, Double> whole(FloatBuffer numbers, PythonFunction timed) {
    final long begin = System.nanoTime();
    Numbers.fill(numbers);
    final long filled = System.nanoTime();
    final long inside = (Long) timed.call(1L, 1L);
    final long added = System.nanoTime();
    Numbers.checked(Numbers.sum(numbers));
    final long end = System.nanoTime();
    Map<String, Double> turn = new LinkedHashMap<>();
    turn.put("whole", (double) (end - begin));
    turn.put("fill", (double) (filled - begin));
    turn.put("add", (double) inside);
    turn.put("sum", (double) (end - added));
    return turn;
  }

  /** Each part after itself, so that its memory is where it left it. */
  private static void alone(
      Map<String, Double> turn, FloatBuffer numbers, PythonFunction timed) {
    timed.call(1L, 1L);
    turn.put("add_alone", (Long) timed.call(1L, (long) ADDS) / (double) ADDS);
    Numbers.sum(numbers);
    long begin = System.nanoTime();
    Numbers.sum(numbers);
    turn.put("sum_alone", (double) (System.nanoTime() - begin));
    Numbers.fill(numbers);
    begin = System.nanoTime();
    Numbers.fill(numbers);
    turn.put("fill_alone", (double) (System.nanoTime() - begin));
  }
}
