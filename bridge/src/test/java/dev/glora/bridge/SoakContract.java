package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What calls must leave behind on every backend: nothing. */
public abstract class SoakContract {

  private static final long SHORT = 10_000;
  private static final long LONG = 1_000_000;

  /** What Python's caches gain or lose in a run; one leaked exception has more than ten blocks. */
  private static final long FEW_BLOCKS = 1000;

  /** Returns the backend's name. */
  protected abstract String backend();

  /** Python counts its blocks itself, so a short run tells what a kind of call leaves. */
  @Test
  void callsLeaveNoPythonObjectsBehind() throws Exception {
    ObjectNode result = run(SHORT);
    assertThat(result.get("calls").asLong()).isGreaterThanOrEqualTo(SHORT);
    assertThat(result.get("python_blocks_gained").asLong()).isLessThan(FEW_BLOCKS);
  }

  /** The last result is kept in {@code experiments/benchmarks/results}. */
  @Test
  @Tag("soak")
  void residentMemoryStaysOverAMillionCalls() throws Exception {
    ObjectNode result = run(LONG);
    List<Double> samples = new ArrayList<>();
    for (JsonNode sample : result.get("resident_kib")) {
      samples.add(1024 * sample.asDouble());
    }
    int warmUp = samples.size() / 5;
    Slope slope =
        Slope.of(samples.subList(warmUp, samples.size()), result.get("calls_per_sample").asLong());
    result.put("slope_bytes_per_call", slope.perCall());
    result.put("slope_upper_bound_95", slope.upperBound());
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(file().toFile(), result);
    assertThat(slope.upperBound()).isLessThan(1);
  }

  private Path file() {
    return Path.of("target", "soak-" + backend() + ".json").toAbsolutePath();
  }

  private ObjectNode run(long calls) throws Exception {
    Files.deleteIfExists(file());
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xms64m",
                "-Xmx64m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                // The optimising compiler takes scratch memory in steps of some MiB, at moments of
                // its own, and the allocator keeps it: calls do not leave that behind.
                "-XX:TieredStopAtLevel=1",
                "-Dglora.root=" + System.getProperty("glora.root"),
                "-cp",
                System.getProperty("java.class.path"),
                Soak.class.getName(),
                backend(),
                String.valueOf(calls),
                file().toString())
            .inheritIO()
            .start();
    try {
      assertThat(process.waitFor(30, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).isZero();
    } finally {
      process.destroyForcibly();
    }
    return (ObjectNode) new ObjectMapper().readTree(file().toFile());
  }
}
