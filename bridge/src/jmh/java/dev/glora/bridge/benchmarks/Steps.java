package dev.glora.bridge.benchmarks;

import dev.glora.bridge.DType;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/** Somebody who takes training steps; see {@code bench_training.py}. */
interface Steps extends AutoCloseable {

  /** Takes some steps and returns the nanoseconds that they took. */
  long take(int steps) throws IOException;

  @Override
  void close() throws IOException;

  /** Java picks the batches, fills the buffers, calls the step and reads the loss. */
  final class Driven implements Steps {

    private static final String MODULE = "bench_training";
    private static final int ROWS = 32;
    private static final int TOKENS = 40;
    private static final int EXAMPLES = 1024;

    private final PythonRuntime runtime;
    private final TensorScope scope;
    private final Tensor ids;
    private final Tensor labels;
    private final Tensor loss;
    private final PythonFunction step;
    private final long[] data =
        new SplittableRandom(1).longs(EXAMPLES * TOKENS, 1000, 30000).toArray();
    private final long[] targets = new SplittableRandom(2).longs(EXAMPLES, 0, 2).toArray();

    /** Opens the training by a backend of the bridge. */
    Driven(String backend) {
      runtime =
          PythonRuntime.open(
              PythonConfig.builder(Settings.python())
                  .backend(backend)
                  .environment("OMP_NUM_THREADS", Settings.threads())
                  .environment("HF_HUB_OFFLINE", "1")
                  .modulePath(Settings.modules())
                  .build());
      scope = runtime.scope("training");
      ids = scope.allocate("ids", DType.I64, ROWS, TOKENS);
      labels = scope.allocate("labels", DType.I64, ROWS);
      loss = scope.allocate("loss", DType.F32, 1);
      runtime.call(MODULE, "start", ids, labels, loss).join();
      step = runtime.submit(session -> session.function(MODULE, "step")).join();
    }

    @Override
    public long take(int steps) {
      double sum = 0;
      long begin = System.nanoTime();
      for (int k = 0; k < steps; k++) {
        int first = k * ROWS % EXAMPLES;
        ids.longs().put(data, first * TOKENS, ROWS * TOKENS);
        labels.longs().put(targets, first, ROWS);
        runtime.submit(session -> step.call()).join();
        sum += loss.floats().get(0);
      }
      long nanos = System.nanoTime() - begin;
      if (!(sum > 0 && sum < 100 * steps)) {
        throw new IllegalStateException("The losses add up to " + sum + ".");
      }
      return nanos;
    }

    /** The loop in Python, in the same interpreter on the same model. */
    Steps looped() {
      return new Steps() {
        @Override
        public long take(int steps) {
          return (Long) runtime.call(MODULE, "looped", steps).join();
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public void close() {
      runtime.call(MODULE, "stop").join();
      scope.close();
      runtime.close();
    }
  }

  /** A plain Python program in a process of its own, which measures itself. */
  final class Plain implements Steps {

    private final Process process;
    private final OutputStream out;
    private final BufferedReader in;

    /** Starts the program. */
    Plain() throws IOException {
      ProcessBuilder builder = Settings.script("bench_training.py");
      builder.environment().put("HF_HUB_OFFLINE", "1");
      process = builder.start();
      out = process.getOutputStream();
      in =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    @Override
    public long take(int steps) throws IOException {
      out.write((steps + "\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
      return Long.parseLong(in.readLine());
    }

    @Override
    public void close() throws IOException {
      out.close();
      process.onExit().join();
    }
  }
}
