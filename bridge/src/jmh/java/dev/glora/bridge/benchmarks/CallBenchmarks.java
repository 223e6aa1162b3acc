package dev.glora.bridge.benchmarks;

import dev.glora.bridge.PythonFunction;
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
 * Calls from code that runs on the interpreter's own thread, beside bare Jep's {@code PyCallable};
 * a sample is the mean of a row of calls, which one hand-over to that thread makes.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 2, time = 1)
@Fork(1)
public class CallBenchmarks {

  private static final int CALLS = 1000;

  /** Who calls. */
  @Param({"glora", "jep"})
  public String peer;

  private Calls nothing;
  private Calls touch;
  private AutoCloseable opened;

  /** A row of calls. */
  private interface Calls {
    Object run() throws Exception;
  }

  /** Opens the peer. */
  @Setup
  public void open() throws Exception {
    if ("glora".equals(peer)) {
      GloraPeer glora = new GloraPeer();
      opened = glora;
      nothing = calls(glora, "nothing");
      touch = calls(glora, "touch", 0L);
    } else {
      JepPeer jep = new JepPeer();
      opened = jep;
      nothing = () -> jep.onThread(() -> often(() -> jep.nothing.call()));
      touch = () -> jep.onThread(() -> often(() -> jep.touch.call(0L)));
    }
  }

  private static Calls calls(GloraPeer glora, String name, Object... args) {
    return () ->
        glora
            .runtime
            .submit(
                session -> {
                  PythonFunction function = session.function(GloraPeer.MODULE, name);
                  return often(() -> function.call(args));
                })
            .join();
  }

  private static Object often(Calls call) throws Exception {
    Object last = null;
    for (int i = 0; i < CALLS; i++) {
      last = call.run();
    }
    return last;
  }

  /** A function that does nothing. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public Object nothing() throws Exception {
    return nothing.run();
  }

  /** A function that adds one to a bound tensor of 256 elements, found by a number. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public Object touch() throws Exception {
    return touch.run();
  }

  /** Closes the peer. */
  @TearDown
  public void close() throws Exception {
    opened.close();
  }
}
