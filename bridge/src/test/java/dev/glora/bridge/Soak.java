package dev.glora.bridge;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Makes all kinds of calls in a mixed order and notes how much memory the process has; run in a
 * process of its own, with a heap that is resident from the start, so that what grows is a leak.
 *
 * <p>A call is one crossing from Java to Python; functions that Python calls back are not counted.
 */
public final class Soak {

  private static final String SAMPLES = ValueContract.SAMPLES;
  private static final long PAGE = 4096;
  private static final int SAMPLE_COUNT = 1000;
  private static final int CANCEL_EVERY = 200;
  private static final long WARM_UP = 2000;

  private final PythonRuntime python;
  private final SplittableRandom random = new SplittableRandom(1);
  private long calls;

  private Soak(PythonRuntime python) {
    this.python = python;
  }

  /**
   * Runs the calls.
   *
   * @param args the backend, the number of calls, the file for the result
   */
  public static void main(String[] args) throws Exception {
    long start = System.nanoTime();
    Map<String, Object> result = new LinkedHashMap<>();
    try (PythonRuntime python = PythonRuntime.open(TestPython.config(args[0]))) {
      Soak soak = new Soak(python);
      long count = Long.parseLong(args[1]);
      // Imports, caches and compiled code come once.
      soak.run(Math.max(WARM_UP, count / 100), new ArrayList<>());
      long blocks = soak.pythonBlocks();
      soak.calls = 0;
      List<Long> resident = new ArrayList<>();
      soak.run(count, resident);
      result.put("backend", args[0]);
      result.put("calls", soak.calls);
      result.put("seconds", (System.nanoTime() - start) / 1_000_000_000L);
      result.put("python_blocks_gained", soak.pythonBlocks() - blocks);
      result.put("calls_per_sample", count / SAMPLE_COUNT);
      result.put("resident_kib", resident);
    }
    new ObjectMapper().writeValue(Path.of(args[2]).toFile(), result);
  }

  /** Blocks that Python's allocator has given out, all garbage collected. */
  private long pythonBlocks() {
    python.call(SAMPLES, "let_go").join();
    python.call("gc", "collect").join();
    return (Long) python.call("sys", "getallocatedblocks").join();
  }

  private void run(long count, List<Long> resident) throws Exception {
    long every = Math.max(1, count / SAMPLE_COUNT);
    long nextSample = every;
    long nextCancel = CANCEL_EVERY;
    while (calls < count) {
      one(random.nextInt(KINDS));
      if (calls >= nextCancel) {
        cancel();
        nextCancel += CANCEL_EVERY;
      }
      if (calls >= nextSample) {
        resident.add(resident() / 1024);
        nextSample += every;
      }
    }
  }

  private static long resident() throws Exception {
    List<String> pages = List.of(Files.readString(Path.of("/proc/self/statm")).split(" ", -1));
    return Long.parseLong(pages.get(1)) * PAGE;
  }

  private static final int KINDS = 12;

  private void one(int kind) {
    switch (kind) {
      case 0 -> call("nothing");
      case 1 -> call("total", random.nextLong(1000), random.nextLong(1000));
      case 2 ->
          call(
              "echo",
              Map.of(
                  "text", "ä".repeat(random.nextInt(100)), "list", Arrays.asList(1L, null, 2.5)));
      case 3 -> call("echo", new byte[random.nextInt(10_000)]);
      case 4 -> failing("raise_chain");
      case 5 -> failing("exit_with", 3L);
      case 6 -> failing("memory_wrapped");
      case 7 -> call("apply_many", (JavaFunction) args -> (Long) args.get(0) + 1, 5L);
      case 8 ->
          failing(
              "apply",
              (JavaFunction)
                  args -> {
                    throw new IllegalArgumentException("from Java");
                  });
      case 9 ->
          call(
              "apply",
              (JavaFunction) args -> python.call(SAMPLES, "total", args.get(0), 1L).join(),
              2L);
      case 10 -> tensors();
      default -> loop();
    }
  }

  private Object call(String function, Object... args) {
    calls++;
    return python.call(SAMPLES, function, args).join();
  }

  private void failing(String function, Object... args) {
    try {
      call(function, args);
      throw new IllegalStateException(function + " did not fail.");
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof BridgeException)) {
        throw e;
      }
    }
  }

  private void tensors() {
    try (TensorScope scope = python.scope("soak")) {
      Tensor tensor = scope.allocate("tensor", DType.F32, 1 + random.nextInt(10_000));
      Tensor result = scope.allocate("result", DType.F32, tensor.shape());
      call("describe", tensor);
      call("gradient", tensor, result);
      if (random.nextInt(10) == 0) {
        call("keep_in_cycle", tensor);
      }
      failing("fail_with", tensor);
    }
  }

  /** Calls on the interpreter's own thread. */
  private void loop() {
    python
        .submit(
            session -> {
              PythonFunction total = session.function(SAMPLES, "total");
              for (long i = 0; i < 20; i++) {
                total.call(i, 1L);
                calls++;
              }
              return null;
            })
        .join();
  }

  private void cancel() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    calls++;
    CompletableFuture<Object> future =
        python.call(
            SAMPLES,
            "spin",
            (JavaFunction)
                args -> {
                  begun.countDown();
                  return null;
                });
    while (!begun.await(1, TimeUnit.MILLISECONDS)) {
      if (future.isDone()) {
        break; // It failed before, which is told below.
      }
    }
    python.interrupt();
    Throwable failure = TestPython.failure(future);
    if (!(failure instanceof CancelledException)) {
      throw new IllegalStateException("An endless call was not cancelled.", failure);
    }
  }
}
