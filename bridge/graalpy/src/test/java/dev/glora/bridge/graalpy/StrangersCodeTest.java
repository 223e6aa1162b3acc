package dev.glora.bridge.graalpy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.bridge.Capability;
import dev.glora.bridge.Limits;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.TestPython;
import dev.glora.bridge.TimeLimitException;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.bridge.WorkerOptions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a sandbox in the process cannot stop is stopped by the end of its process. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StrangersCodeTest {

  private static final String SAMPLES = "bridge_samples";

  private static PythonRuntime open() {
    return PythonRuntime.open(
        PythonConfig.builder()
            .backend("worker")
            .worker(WorkerOptions.DEFAULT.withBackend("graalpy"))
            .limits(Limits.NONE.withHeapMiB(256).withTime(Duration.ofSeconds(60)))
            .modulePath(TestPython.modules())
            .build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "len([0] * 10 ** 9)",
        "exec('kept = []\\nwhile True: kept.append([0] * 10000)')",
      })
  void aMemoryBombEndsAtTheHeapLimit(String bomb) {
    try (PythonRuntime python = open()) {
      assertThat(python.capabilities())
          .contains(Capability.SANDBOX, Capability.HEAP_LIMIT, Capability.KILL)
          .doesNotContain(Capability.TENSORS, Capability.IN_PROCESS);
      assertThat(TestPython.failure(python.call(SAMPLES, "result_of", bomb)))
          .isInstanceOfAny(WorkerDiedException.class, OutOfDeviceMemoryException.class);
    }
  }

  /** A builtin that heeds no interruption. */
  @Test
  void anEndlessCallEndsAtTheTimeLimit() {
    String endless = "sum(__import__('itertools').count())";
    try (PythonRuntime python = open()) {
      assertThat(python.call(SAMPLES, "total", 1L, 2L).join()).isEqualTo(3L);
      assertThat(
              TestPython.failure(python.call(Duration.ofSeconds(1), SAMPLES, "result_of", endless)))
          .isInstanceOf(TimeLimitException.class);
    }
  }
}
