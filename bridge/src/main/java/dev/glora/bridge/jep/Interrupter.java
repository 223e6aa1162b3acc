package dev.glora.bridge.jep;

import dev.glora.bridge.spi.Trampoline;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import jep.Interpreter;
import jep.SharedInterpreter;
import jep.python.PyCallable;

/**
 * A second thread in the same interpreter, for the one thing that the owner cannot do itself.
 *
 * <p>It takes turns with running Python code at CPython's switch interval (5 ms), and waits for
 * native code that keeps the GIL.
 */
final class Interrupter {

  private static final long AGAIN_NANOS = 100_000;

  private final SharedInterpreter interpreter;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread t = new Thread(work, "python-interrupt");
            t.setDaemon(true);
            return t;
          });

  /** Of that thread alone. Attaching anew each time leaves native memory behind in the JVM. */
  private PyCallable interrupt;

  /** Complete once CPython knows of all that were sent. */
  private volatile CompletableFuture<Void> sent = CompletableFuture.completedFuture(null);

  Interrupter(SharedInterpreter interpreter) {
    this.interpreter = interpreter;
  }

  /** Sends one interruption. */
  synchronized void send() {
    sent = CompletableFuture.runAsync(this::interrupt, thread);
  }

  private void interrupt() {
    if (interrupt == null) {
      Interpreter here = interpreter.attach(true);
      interrupt = (PyCallable) here.getValue(Trampoline.MODULE + ".interrupt");
    }
    while (!interrupt.callAs(Boolean.class)) {
      LockSupport.parkNanos(AGAIN_NANOS);
    }
  }

  /** Returns a future that is complete once CPython knows of all that were sent. */
  CompletableFuture<Void> sent() {
    return sent;
  }
}
