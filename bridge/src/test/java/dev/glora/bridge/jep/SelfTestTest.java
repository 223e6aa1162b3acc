package dev.glora.bridge.jep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.bridge.DType;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.SelfTest;
import dev.glora.bridge.TestPython;
import java.util.List;
import org.junit.jupiter.api.Test;

class SelfTestTest {

  @Test
  void aSoundRuntimePassesEveryCheck() {
    try (PythonRuntime python = PythonRuntime.open(TestPython.config("jep"))) {
      List<SelfTest.Check> checks = SelfTest.run(python);
      assertThat(checks).allMatch(SelfTest.Check::ok, "ok");
      assertThat(checks)
          .extracting(SelfTest.Check::name)
          .startsWith("call", "exception", "cancel", "callback")
          .contains("autograd")
          .hasSize(5 + DType.values().length);
    }
  }

  @Test
  void whatIsBrokenIsFound() {
    try (PythonRuntime python = PythonRuntime.open(TestPython.config("jep"))) {
      python.call("bridge_samples", "break_copying").join();
      try {
        assertThat(SelfTest.run(python))
            .filteredOn(check -> !check.ok())
            .hasSize(DType.values().length + 1)
            .allMatch(
                check -> check.found().contains("other bytes") || check.name().equals("autograd"));
      } finally {
        python.call("bridge_samples", "mend_copying").join();
      }
    }
  }
}
