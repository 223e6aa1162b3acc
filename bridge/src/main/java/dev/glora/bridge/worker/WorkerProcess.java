package dev.glora.bridge.worker;

import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.bridge.worker.Link.Frame;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The worker's process as its parent sees it: what it answers, what it writes, and how it ends.
 *
 * <p>A thread reads the frames, another what native code writes. The end is noticed by the end of
 * the frames or, since a child of the worker may keep that pipe open, by the end of the process.
 */
final class WorkerProcess {

  private static final Logger LOG = LoggerFactory.getLogger(WorkerProcess.class);

  /** What was written before the end, and comes after it, is waited for this long. */
  private static final Duration REST = Duration.ofMillis(500);

  private static final Map<Integer, String> SIGNALS =
      Map.of(4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS", 8, "SIGFPE", 9, "SIGKILL", 11, "SIGSEGV");

  private final Process process;
  private final Link link;
  private final LastLines output;
  private final Thread reader;
  private final Pulse pulse;

  /** Complete once all that the process's end asks for is done. */
  private final CompletableFuture<Void> end;

  /** Answers and callbacks; empty once the process has ended. */
  private final LinkedTransferQueue<Optional<Frame>> answers = new LinkedTransferQueue<>();

  private final AtomicReference<String> reason = new AtomicReference<>();

  /** How the process ended; null while it has not. */
  private volatile WorkerDiedException death;

  private volatile boolean closing;

  /** Told of a Java function that Python has let go of. */
  private volatile Consumer<Long> released = number -> {};

  /** Told of the end; null until someone wants to know. Guarded by this, as is its call. */
  private Consumer<WorkerDiedException> mourner;

  /**
   * Starts the process.
   *
   * @param silence how long it may give no sign of life
   * @throws PythonStartException if the system does not run the command
   */
  WorkerProcess(List<String> command, Duration silence) {
    try {
      process = new ProcessBuilder(command).start();
    } catch (IOException e) {
      throw new PythonStartException(
          "The worker's process could not be started: %s.".formatted(e.getMessage()),
          List.of("command " + command),
          e);
    }
    link = new Link(process.getInputStream(), process.getOutputStream());
    output = new LastLines(process.getErrorStream(), "python-worker-output-" + process.pid());
    pulse = new Pulse(silence, this::ping, this::kill);
    reader = new Thread(this::readAll, "python-worker-answers-" + process.pid());
    reader.setDaemon(true);
    reader.start();
    end = process.onExit().thenRun(this::ended);
  }

  private void ping() {
    try {
      link.send(Frame.of(Verb.PING));
    } catch (IOException e) {
      LOG.debug("Worker {} was asked for a sign of life after its end", pid(), e);
    }
  }

  long pid() {
    return process.pid();
  }

  /** Sets who is told of a Java function that Python has let go of. */
  void onRelease(Consumer<Long> listener) {
    released = listener;
  }

  /** Sets who is told of the end, which is at once if that has come. */
  void onDeath(Consumer<WorkerDiedException> listener) {
    synchronized (this) {
      mourner = listener;
      if (death == null) {
        return;
      }
    }
    listener.accept(copyOfDeath());
  }

  /**
   * Sends frames, behind those that were deferred.
   *
   * @throws WorkerDiedException if the process has ended
   */
  void send(Frame... frames) {
    try {
      link.send(frames);
    } catch (IOException e) {
      throw died();
    }
  }

  /** Keeps frames until the next are sent. */
  void defer(Frame... frames) {
    try {
      link.defer(frames);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Nothing is written yet.
    }
  }

  /**
   * Waits for the next frame that is an answer or a callback.
   *
   * @throws WorkerDiedException if the process has ended
   */
  Frame answer() {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          Optional<Frame> frame = answers.take();
          if (frame.isEmpty()) {
            answers.add(frame);
          }
          return frame.orElseThrow(this::copyOfDeath);
        } catch (InterruptedException e) {
          interrupted = true; // Python is not interrupted by that either.
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Kills the process, for this reason. */
  void kill(String why) {
    reason.compareAndSet(null, why);
    destroy();
  }

  /** By the handle: the process itself would close its streams before they are read. */
  private void destroy() {
    process.toHandle().destroyForcibly();
  }

  /** Says that the process is about to end, and waits for that; then it is killed. */
  void close(Duration limit) {
    closing = true;
    try {
      link.send(Frame.of(Verb.CLOSE));
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("Worker {} did not end within {} and is killed.", pid(), limit);
      }
    } catch (IOException e) {
      LOG.debug("Worker {} had ended before it was closed", pid(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    abandon();
  }

  /** Ends the process, whatever it does, and waits for that. */
  void abandon() {
    closing = true;
    destroy();
    end.join();
  }

  private void readAll() {
    try {
      while (true) {
        Frame frame = link.read();
        switch (frame.verb()) {
          case PONG -> pulse.heard();
          case OPENED, DONE, FAILED, CALLBACK -> answers.add(Optional.of(frame));
          case RELEASED -> released.accept((Long) frame.parts().get(0));
          case LOG -> log(frame);
          default -> throw new IOException("it sent " + frame.verb());
        }
      }
    } catch (EOFException e) {
      died();
    } catch (IOException | RuntimeException | Error e) {
      kill("it did not keep to the protocol: " + e.getMessage());
      died();
    } finally {
      link.close();
    }
  }

  private void log(Frame frame) {
    String message = frame.text(2);
    output.add(message);
    LoggerFactory.getLogger(frame.text(0)).atLevel(Level.valueOf(frame.text(1))).log(message);
  }

  /** The process has ended; its last frames may still be on their way. */
  private void ended() {
    join(reader);
    died();
  }

  private WorkerDiedException died() {
    Consumer<WorkerDiedException> listener;
    synchronized (this) {
      if (death != null) {
        return copyOfDeath();
      }
      int status = statusAfterEnd();
      join(output.thread());
      death = new WorkerDiedException(message(status), status, output.lines());
      answers.add(Optional.empty());
      listener = mourner;
    }
    pulse.close();
    if (!closing) {
      LOG.warn("{}", death.getMessage());
    }
    if (listener != null) {
      listener.accept(copyOfDeath());
    }
    return copyOfDeath();
  }

  /** A process whose pipe is gone is of no use any more, and ends here if it has not. */
  private int statusAfterEnd() {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          if (!process.waitFor(REST.toMillis(), TimeUnit.MILLISECONDS)) {
            destroy();
          }
          return process.waitFor();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private String message(int status) {
    StringBuilder text = new StringBuilder("The worker process ").append(pid());
    text.append(" ended with status ").append(status);
    if (status > 128) {
      text.append(" (").append(SIGNALS.getOrDefault(status - 128, "signal " + (status - 128)));
      text.append(")");
    }
    String why = reason.get();
    if (why != null) {
      text.append(", since ").append(why);
    } else if (status == 128 + 9) {
      text.append(", killed by the system for want of memory or by someone");
    }
    List<String> lines = output.lines();
    text.append(lines.isEmpty() ? "; it wrote nothing" : "; its last line was: " + last(lines));
    return text.append(". PythonRuntime.open starts another.").toString();
  }

  private static String last(List<String> lines) {
    return lines.get(lines.size() - 1);
  }

  /** Makes one for each who is told, with a stack trace of their own. */
  private WorkerDiedException copyOfDeath() {
    return new WorkerDiedException(death.getMessage(), death.exitStatus(), death.lastLines());
  }

  private static void join(Thread thread) {
    if (thread == Thread.currentThread()) {
      return;
    }
    try {
      thread.join(REST.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
