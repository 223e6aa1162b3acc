package dev.glora.bridge.benchmarks;

import dev.glora.bridge.DType;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.TensorScope;
import java.nio.FloatBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The three parts of {@link ShareBenchmarks} alone, on the same memory. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 2, time = 1)
@Fork(1)
public class PartBenchmarks {

  private static final int TIMES = 20;

  private PythonRuntime runtime;
  private TensorScope scope;
  private FloatBuffer numbers;

  /** Opens Python and allocates the tensor. */
  @Setup
  public void open() {
    runtime = GloraPeer.open();
    scope = runtime.scope("parts");
    var tensor = scope.allocate("large", DType.F32, Numbers.COUNT);
    numbers = tensor.floats();
    runtime.call(GloraPeer.MODULE, "bind", 1, tensor).join();
  }

  /** Java fills. */
  @Benchmark
  public void fill() {
    Numbers.fill(numbers);
  }

  /** A loop in Python adds, with one call for the row. */
  @Benchmark
  @OperationsPerInvocation(TIMES)
  public void add() {
    runtime.call(GloraPeer.MODULE, "touch_often", 1, TIMES).join();
  }

  /** Java sums. */
  @Benchmark
  public double sum() {
    return Numbers.sum(numbers);
  }

  /** Closes what was opened. */
  @TearDown
  public void close() {
    runtime.call(GloraPeer.MODULE, "unbind", 1).join();
    scope.close();
    runtime.close();
  }
}
