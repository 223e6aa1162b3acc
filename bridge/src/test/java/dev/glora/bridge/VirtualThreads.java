package dev.glora.bridge;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** One virtual thread a task; by reflection, since the tests are compiled for Java 17. */
final class VirtualThreads implements AutoCloseable {

  private final ExecutorService executor;

  private VirtualThreads(ExecutorService executor) {
    this.executor = executor;
  }

  static VirtualThreads open() throws ReflectiveOperationException {
    return new VirtualThreads(
        (ExecutorService)
            Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null));
  }

  <T> Future<T> submit(Callable<T> task) {
    return executor.submit(task);
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
