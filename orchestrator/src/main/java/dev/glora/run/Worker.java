package dev.glora.run;

import dev.glora.bridge.PythonRuntime;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An interpreter that runs compute in, and its device. It is used by one thread at a time; {@link
 * #stop} may come from another.
 */
final class Worker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final String name;
  private final Device device;
  private final boolean process;
  private final IntFunction<PythonRuntime> opener;
  private PythonRuntime python;
  private int threads;

  /**
   * Makes a worker; nothing is started yet.
   *
   * @param name a name that no other worker of this process has
   * @param device what it computes on
   * @param process whether its interpreter is a process of its own
   * @param opener opens an interpreter for a number of torch's threads
   */
  Worker(String name, Device device, boolean process, IntFunction<PythonRuntime> opener) {
    this.name = name;
    this.device = device;
    this.process = process;
    this.opener = opener;
  }

  String name() {
    return name;
  }

  Device device() {
    return device;
  }

  /**
   * The interpreter, started where it is not, or where it was for another number of threads: that
   * is fixed when torch is loaded.
   */
  PythonRuntime python(int count) {
    if (python != null && threads != count) {
      close();
    }
    PythonRuntime opened = python == null ? opener.apply(count) : python;
    synchronized (this) {
      python = opened;
      threads = count;
    }
    return opened;
  }

  /** Ends what it does now, from any thread: kills its process, or interrupts Python. */
  synchronized void stop() {
    if (python == null) {
      return;
    }
    if (process) {
      // By its number: a process that is stopped hears nothing else.
      ProcessHandle.of(python.info().pid()).ifPresent(ProcessHandle::destroyForcibly);
    } else {
      python.interrupt();
    }
  }

  /** Lets go of the interpreter; the next one is started when it is asked for. */
  @Override
  public void close() {
    PythonRuntime old = python;
    synchronized (this) {
      python = null;
    }
    if (old != null && process) {
      try {
        old.close();
      } catch (RuntimeException e) {
        LOG.debug("{} had ended before it was closed", name, e);
      }
    }
  }
}
