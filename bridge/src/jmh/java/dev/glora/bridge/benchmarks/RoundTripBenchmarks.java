package dev.glora.bridge.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A call from any other thread, there and back: Python adds one to a bound tensor. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 2, time = 1)
@Fork(1)
public class RoundTripBenchmarks {

  /** Who calls. */
  @Param({"glora", "jep", "py4j", "pipe"})
  public String peer;

  /** How long the caller sleeps before each call, in milliseconds. */
  @Param({"0", "2"})
  public int idle;

  private Peer opened;

  /** Opens the peer. */
  @Setup
  public void open() throws Exception {
    opened = Peer.open(peer);
  }

  /** Idles; the sample does not hold this time. */
  @Setup(Level.Invocation)
  public void idle() throws InterruptedException {
    if (idle > 0) {
      Thread.sleep(idle);
    }
  }

  /** One call. */
  @Benchmark
  public void call() throws Exception {
    opened.touch();
  }

  /** Closes the peer. */
  @TearDown
  public void close() throws Exception {
    opened.close();
  }
}
