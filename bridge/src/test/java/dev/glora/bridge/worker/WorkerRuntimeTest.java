package dev.glora.bridge.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.bridge.Capability;
import dev.glora.bridge.DType;
import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonRuntimeContract;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.TestPython;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class WorkerRuntimeTest extends PythonRuntimeContract {

  @Override
  protected String backend() {
    return "worker";
  }

  @Test
  void declaresWhatAProcessOfItsOwnCanDo() {
    assertThat(python.capabilities())
        .contains(Capability.ISOLATION, Capability.KILL, Capability.HEAP_LIMIT)
        .contains(Capability.TENSORS, Capability.CALLBACKS, Capability.INTERRUPT)
        .doesNotContain(Capability.IN_PROCESS);
    assertThat(call("result_of", "os.getpid()"))
        .isEqualTo(python.info().pid())
        .isNotEqualTo(ProcessHandle.current().pid());
  }

  @Test
  void drawnValuesComeBackAsTheyWere() {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 200; i++) {
      Object value = Drawn.value(random, 4);
      assertThat(Drawn.comparable(call("echo", value))).isEqualTo(Drawn.comparable(value));
    }
  }

  @Test
  void largeValuesCross() {
    byte[] bytes = new byte[3 << 20];
    new SplittableRandom(7).nextBytes(bytes);
    assertThat((byte[]) call("echo", (Object) bytes)).isEqualTo(bytes);
    String text = "ä".repeat(3 << 20);
    assertThat(call("echo", text)).isEqualTo(text);
  }

  @Test
  void memoryOfThisProcessAloneIsRefused() {
    try (TensorScope scope = TensorScope.open("mine")) {
      assertThat(failure("kinds", scope.allocate("x", DType.F32, 4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("PythonRuntime.scope");
      JavaFunction gives = args -> scope.allocate("y", DType.F32, 4);
      assertThat(failure("apply", gives)).hasRootCauseInstanceOf(IllegalArgumentException.class);
    }
    assertThat(call("total", 1L, 1L)).isEqualTo(2L);
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void functionsThatPythonLetGoOfAreForgotten() throws Exception {
    PythonConfig config = TestPython.config(backend());
    PythonConfig small =
        new PythonConfig(
            config.python(),
            config.backend(),
            config.environment(),
            config.modulePath(),
            config.limits(),
            config.worker().withJvmOptions("-Xmx32m"));
    try (PythonRuntime other = PythonRuntime.open(small)) {
      WeakReference<JavaFunction> kept = keep(other);
      String filler = "x".repeat(1 << 20);
      for (int i = 0; i < 40; i++) { // Several collections in the worker.
        other.call(SAMPLES, "echo", filler).join();
      }
      System.gc();
      assertThat(kept.get()).isNotNull();
      assertThat(other.call(SAMPLES, "call_kept", 1L, 2L).join()).isEqualTo(2L);
      other.call(SAMPLES, "let_go").join();
      while (kept.get() != null) {
        other.call(SAMPLES, "echo", filler).join();
        System.gc();
        Thread.sleep(Duration.ofMillis(5).toMillis());
      }
    }
  }

  private static WeakReference<JavaFunction> keep(PythonRuntime python) {
    Object[] own = new Object[0];
    JavaFunction function = args -> (long) (args.size() + own.length);
    python.call(SAMPLES, "keep_function", function).join();
    return new WeakReference<>(function);
  }
}
