package dev.glora.bridge;

import java.util.List;
import org.junit.jupiter.api.Test;

class NewestJavaTest {

  /** Tensors first: their suite sees that nothing imports torch before the first of them. */
  private static final List<String> CLASSES =
      List.of(
          "dev.glora.bridge.jep.JepTensorTest",
          "dev.glora.bridge.jep.JepRuntimeTest",
          "dev.glora.bridge.jep.JepInterruptTest",
          "dev.glora.bridge.jep.JepCallbackTest",
          "dev.glora.bridge.worker.WorkerTensorTest",
          "dev.glora.bridge.worker.WorkerRuntimeTest",
          "dev.glora.bridge.worker.WorkerInterruptTest",
          "dev.glora.bridge.worker.WorkerCallbackTest");

  @Test
  void theContractHoldsOnJava25() throws Exception {
    NewestJava.run(CLASSES);
  }
}
