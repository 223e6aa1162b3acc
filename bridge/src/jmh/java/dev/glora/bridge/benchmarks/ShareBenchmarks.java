package dev.glora.bridge.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Java fills 64 MiB, torch adds one to all of it, Java sums it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 2, time = 1)
@Fork(1)
public class ShareBenchmarks {

  /** Who carries the numbers. */
  @Param({"glora", "jep", "pipe"})
  public String peer;

  private Peer opened;

  /** Opens the peer. */
  @Setup
  public void open() throws Exception {
    opened = Peer.open(peer);
    opened.prepareToShare();
  }

  /** All three parts; wrong numbers end the benchmark. */
  @Benchmark
  public double share() throws Exception {
    return Numbers.checked(opened.share());
  }

  /** Closes the peer. */
  @TearDown
  public void close() throws Exception {
    opened.close();
  }
}
