package dev.glora.bridge.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What {@link ShareBenchmarks} does, through Py4J, which takes too long to do it often. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 1)
@Fork(1)
public class Py4jShareBenchmarks {

  private Peer opened;

  /** Opens the peer. */
  @Setup
  public void open() throws Exception {
    opened = Peer.open("py4j");
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
