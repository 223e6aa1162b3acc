package dev.glora.bridge.jep;

import dev.glora.bridge.spi.Trampoline;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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

  Interrupter(SharedInterpreter interpreter) {
    this.interpreter = interpreter;
  }

  /** Sends one interruption; the future is complete once CPython knows of it. */
  CompletableFuture<Void> send() {
    return CompletableFuture.runAsync(
        () -> {
          if (interrupt == null) {
            Interpreter here = interpreter.attach(true);
            interrupt = (PyCallable) here.getValue(Trampoline.MODULE + ".interrupt");
          }
          interrupt.call();
        },
        thread);
  }
}
