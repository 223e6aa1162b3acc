package dev.glora.bridge.benchmarks;

import dev.glora.bridge.DType;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Handing a tensor over as an argument, on the interpreter's thread; a sample is the mean of a row.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 2, time = 1)
@Fork(1)
public class HandOverBenchmarks {

  private static final int CALLS = 100;

  /** The tensor's size in KiB. */
  @Param({"1", "1048576"})
  public int kib;

  private PythonRuntime runtime;
  private TensorScope scope;
  private Tensor tensor;

  /** Opens Python and allocates the tensor. */
  @Setup
  public void open() {
    runtime = GloraPeer.open();
    scope = runtime.scope("hand-over");
    tensor = scope.allocate("tensor", DType.F32, kib, 1024 / Float.BYTES);
  }

  /** Python drops the tensor, so that each call hands over what it does not know. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public Object fresh() {
    return runtime
        .submit(
            session -> {
              PythonFunction take = session.function(GloraPeer.MODULE, "take");
              Object last = null;
              for (int i = 0; i < CALLS; i++) {
                last = take.call(tensor);
              }
              return last;
            })
        .join();
  }

  /** Closes what was opened. */
  @TearDown
  public void close() {
    scope.close();
    runtime.close();
  }
}
