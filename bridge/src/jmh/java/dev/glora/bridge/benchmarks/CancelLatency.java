package dev.glora.bridge.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** How long after a cancel of endless Python code the next call has its answer. */
public final class CancelLatency {

  private CancelLatency() {}

  /**
   * Runs the cancels.
   *
   * @param args the file for the result, the number of rounds, then the backends
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[1]);
    Map<String, List<Double>> millis = new LinkedHashMap<>();
    for (String backend : List.of(args).subList(2, args.length)) {
      try (PythonRuntime runtime =
          PythonRuntime.open(
              PythonConfig.builder(Settings.python())
                  .backend(backend)
                  .modulePath(Settings.modules())
                  .build())) {
        runtime.call(GloraPeer.MODULE, "nothing").join();
        millis.put(backend, cancels(runtime, rounds));
      }
    }
    new ObjectMapper().writeValue(Path.of(args[0]).toFile(), millis);
  }

  private static List<Double> cancels(PythonRuntime runtime, int rounds) throws Exception {
    SplittableRandom random = new SplittableRandom(rounds);
    List<Double> millis = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      CountDownLatch started = new CountDownLatch(1);
      CompletableFuture<Object> endless =
          runtime.submit(
              session -> {
                started.countDown();
                return session.call(GloraPeer.MODULE, "endless");
              });
      started.await();
      Thread.sleep(10, random.nextInt(1_000_000));
      long begin = System.nanoTime();
      endless.cancel(true);
      runtime.call(GloraPeer.MODULE, "nothing").join();
      millis.add((System.nanoTime() - begin) / 1e6);
    }
    return millis;
  }
}
