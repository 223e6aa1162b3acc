package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PythonConfigTest {

  @Test
  void pathsAreMadeAbsoluteSoThatEqualConfigurationsAreEqual() {
    Path here = Path.of("").toAbsolutePath();
    PythonConfig relative = PythonConfig.of(Path.of("x/../python"));
    assertThat(relative).isEqualTo(PythonConfig.builder(here.resolve("python")).build());
    assertThat(relative.backend()).isEqualTo("jep");
  }

  @Test
  void theBuilderFillsEveryPart() {
    PythonConfig config =
        PythonConfig.builder(Path.of("/p"))
            .backend("other")
            .environment("A", "1")
            .modulePath(Path.of("/first"))
            .modulePath(Path.of("/second"))
            .build();
    assertThat(config.backend()).isEqualTo("other");
    assertThat(config.environment()).isEqualTo(Map.of("A", "1"));
    assertThat(config.modulePath()).containsExactly(Path.of("/first"), Path.of("/second"));
  }

  @Test
  void valuesOfVariablesAreNotPrinted() {
    PythonConfig config = PythonConfig.builder(Path.of("/p")).environment("TOKEN", "abc").build();
    assertThat(config.toString()).contains("TOKEN").doesNotContain("abc");
  }

  @Test
  void namesThatNoSystemTakesAreRefused() {
    PythonConfig.Builder builder = PythonConfig.builder(Path.of("/p")).environment("A=B", "1");
    assertThatIllegalArgumentException().isThrownBy(builder::build).withMessageContaining("A=B");
  }
}
