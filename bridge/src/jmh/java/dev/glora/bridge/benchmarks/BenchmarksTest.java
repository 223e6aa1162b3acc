package dev.glora.bridge.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Collection;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** That the benchmarks work, at their smallest; needs {@code tools/bridge_benchmarks prepare}. */
@Tag("slow")
class BenchmarksTest {

  private static final int CALLS = 4;
  private static final int ROUND_TRIPS = 8;
  private static final int HAND_OVERS = 2;
  private static final int SHARES = 4;
  private static final int PARTS = 3;

  @Test
  void everyPeerRunsEveryBenchmark(@TempDir Path folder) throws Exception {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include("Benchmarks")
                    .warmupIterations(0)
                    .measurementIterations(1)
                    .measurementTime(TimeValue.milliseconds(50))
                    .shouldFailOnError(true)
                    // One hands over a GiB; the tests' own processes have less.
                    .jvmArgsAppend("-XX:MaxDirectMemorySize=2g")
                    .output(folder.resolve("log").toString())
                    .build())
            .run();
    assertThat(results).hasSize(CALLS + ROUND_TRIPS + HAND_OVERS + SHARES + PARTS);
    assertThat(results)
        .allSatisfy(result -> assertThat(result.getPrimaryResult().getSampleCount()).isPositive());
  }
}
