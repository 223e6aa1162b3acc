package dev.glora.bridge.graalpy;

import dev.glora.bridge.NewestJava;
import java.util.List;
import org.junit.jupiter.api.Test;

class NewestJavaTest {

  @Test
  void theContractHoldsOnJava25() throws Exception {
    NewestJava.run(
        List.of(
            "dev.glora.bridge.graalpy.GraalpyRuntimeTest",
            "dev.glora.bridge.graalpy.GraalpyInterruptTest",
            "dev.glora.bridge.graalpy.GraalpyCallbackTest"));
  }
}
