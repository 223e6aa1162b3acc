package dev.glora.bridge.jep;

import dev.glora.bridge.Capability;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonTask;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.TensorScope;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A handle on the process's interpreter. */
final class JepRuntime implements PythonRuntime {

  private final JepInterpreter interpreter;
  private volatile boolean closed;

  JepRuntime(JepInterpreter interpreter) {
    this.interpreter = interpreter;
  }

  @Override
  public RuntimeInfo info() {
    return interpreter.info();
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of(Capability.TENSORS, Capability.NATIVE_EXTENSIONS, Capability.INTERRUPT);
  }

  @Override
  public TensorScope scope(String name) {
    requireOpen();
    return TensorScope.open(name, interpreter::stillExported);
  }

  @Override
  public CompletableFuture<Object> call(String module, String function, Object... args) {
    return submit(session -> session.call(module, function, args));
  }

  @Override
  public <T> CompletableFuture<T> submit(PythonTask<T> task) {
    requireOpen();
    return interpreter.submit(task);
  }

  @Override
  public boolean interrupt() {
    requireOpen();
    return interpreter.interrupt();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      interpreter.finishOutput();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "This Python runtime is closed and takes no more calls: open another handle with"
              + " PythonRuntime.open.");
    }
  }
}
