package dev.glora.bridge.graalpy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.bridge.Capability;
import dev.glora.bridge.DType;
import dev.glora.bridge.Limits;
import dev.glora.bridge.MissingCapabilityException;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.ResourceLimitException;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.TestPython;
import dev.glora.bridge.TimeLimitException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GraalpyLimitsTest {

  private static final String SAMPLES = "bridge_samples";

  private static PythonRuntime open(Limits limits) {
    return PythonRuntime.open(
        PythonConfig.builder()
            .backend("graalpy")
            .modulePath(TestPython.modules())
            .limits(limits)
            .build());
  }

  @Test
  void eachCallMayRunItsStatementsAndNoMore() {
    try (PythonRuntime python = open(Limits.NONE.withStatements(100_000))) {
      for (int i = 0; i < 5; i++) { // Together far more than the limit.
        assertThat(python.call(SAMPLES, "count", 30_000L).join()).isEqualTo(30_000L);
      }
      python.call(SAMPLES, "bind", "kept", Map.of()).join();
      assertThat(python.call(SAMPLES, "result_of", "len(sites)").join()).isEqualTo(1L);
      Throwable e = TestPython.failure(python.call(SAMPLES, "count", Long.MAX_VALUE));
      assertThat(e).isInstanceOf(ResourceLimitException.class).hasMessageContaining("100000");
      // The next call has an interpreter, and it is another one.
      assertThat(python.call(SAMPLES, "result_of", "len(sites)").join()).isEqualTo(0L);
      assertThat(python.call(SAMPLES, "count", 30_000L).join()).isEqualTo(30_000L);
    }
  }

  @Test
  void functionsGoOnInTheFreshInterpreter() {
    try (PythonRuntime python = open(Limits.NONE.withStatements(100_000))) {
      AtomicReference<PythonFunction> count = new AtomicReference<>();
      Throwable e =
          TestPython.failure(
              python.submit(
                  session -> {
                    count.set(session.function(SAMPLES, "count"));
                    return count.get().call(Long.MAX_VALUE);
                  }));
      assertThat(e).isInstanceOf(ResourceLimitException.class);
      assertThat(python.submit(session -> count.get().call(100L)).join()).isEqualTo(100L);
    }
  }

  /** Code that is made at run time counts too, whatever name it gives itself. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "<string>",
        "<frozen importlib._bootstrap>",
        "<glora-bridge trampoline.py>",
        "os.py"
      })
  void codeCountsByWhateverName(String name) {
    try (PythonRuntime python = open(Limits.NONE.withStatements(100_000))) {
      String endless = "exec(compile('while True:\\n    x = 1', '" + name + "', 'exec'))";
      assertThat(TestPython.failure(python.call(SAMPLES, "result_of", endless)))
          .isInstanceOf(ResourceLimitException.class);
    }
  }

  @Test
  void theTimeLimitOfTheConfigurationHolds() {
    try (PythonRuntime python = open(Limits.NONE.withTime(Duration.ofMillis(300)))) {
      Throwable e = TestPython.failure(python.call(SAMPLES, "count", Long.MAX_VALUE));
      assertThat(e).isInstanceOf(TimeLimitException.class).hasMessageContaining("300 ms");
      assertThat(python.call(SAMPLES, "total", 1L, 2L).join()).isEqualTo(3L);
    }
  }

  @Test
  void runtimesShareNothing() {
    try (PythonRuntime one = open(Limits.NONE);
        PythonRuntime other = open(Limits.NONE)) {
      one.call(SAMPLES, "bind", "mine", Map.of()).join();
      assertThat(one.call(SAMPLES, "result_of", "list(sites)").join()).isEqualTo(List.of("mine"));
      assertThat(other.call(SAMPLES, "result_of", "list(sites)").join()).isEqualTo(List.of());
      assertThat(one.info().backendVersion()).startsWith("25.").contains(", ");
      assertThat(one.info().python()).isEmpty();
    }
  }

  @Test
  void whatItLacksIsRefused() {
    assertThatThrownBy(() -> open(Limits.NONE.withHeapMiB(100)).close())
        .isInstanceOf(MissingCapabilityException.class)
        .hasMessageContaining("HEAP_LIMIT");
    try (PythonRuntime python = open(Limits.NONE);
        TensorScope elsewhere = TensorScope.open("elsewhere")) {
      Throwable e =
          TestPython.failure(
              python.call(SAMPLES, "echo", List.of(elsewhere.allocate("x", DType.F32, 2))));
      assertThat(e).isInstanceOf(MissingCapabilityException.class).hasMessageContaining("jep");
      assertThat(((MissingCapabilityException) e).capability()).isEqualTo(Capability.TENSORS);
      assertThat(python.call(SAMPLES, "total", 1L, 2L).join()).isEqualTo(3L);
    }
  }

  @Test
  void aModulePathThatIsNoFolderIsRefused() {
    PythonConfig config =
        PythonConfig.builder().backend("graalpy").modulePath(Path.of("/no/such/folder")).build();
    assertThatThrownBy(() -> PythonRuntime.open(config))
        .isInstanceOf(PythonStartException.class)
        .hasMessageContaining("/no/such/folder");
  }
}
