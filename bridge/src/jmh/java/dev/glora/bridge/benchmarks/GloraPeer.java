package dev.glora.bridge.benchmarks;

import dev.glora.bridge.DType;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;

/** This bridge, its backend {@code jep}. */
final class GloraPeer implements Peer {

  static final String MODULE = "bench_functions";

  final PythonRuntime runtime;
  private final TensorScope scope;
  private final PythonFunction touch;
  private Tensor large;

  GloraPeer() {
    runtime = open();
    scope = runtime.scope("benchmarks");
    runtime.call(MODULE, "bind", 0, scope.allocate("small", DType.F32, 256)).join();
    touch = runtime.submit(session -> session.function(MODULE, "touch")).join();
  }

  static PythonRuntime open() {
    return PythonRuntime.open(
        PythonConfig.builder(Settings.python())
            .environment("OMP_NUM_THREADS", Settings.threads())
            .modulePath(Settings.modules())
            .build());
  }

  @Override
  public void touch() {
    runtime.submit(session -> touch.call(0L)).join();
  }

  @Override
  public void prepareToShare() {
    large = scope.allocate("large", DType.F32, Numbers.COUNT);
    runtime.call(MODULE, "bind", 1, large).join();
  }

  @Override
  public double share() {
    // As a task, so that the memory stays with one core; from another thread it was a sixth slower.
    return runtime
        .submit(
            session -> {
              Numbers.fill(large.floats());
              touch.call(1L);
              return Numbers.sum(large.floats());
            })
        .join();
  }

  @Override
  public void close() {
    runtime.submit(session -> session.call(MODULE, "unbind", 0)).join();
    if (large != null) {
      runtime.submit(session -> session.call(MODULE, "unbind", 1)).join();
    }
    scope.close();
    runtime.close();
  }
}
