package dev.glora.bridge.worker;

import dev.glora.bridge.Capability;
import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonSession;
import dev.glora.bridge.spi.OwnedRuntime;
import dev.glora.bridge.spi.OwnerThread;
import dev.glora.bridge.spi.RemoteError;
import dev.glora.bridge.worker.Link.Frame;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedTransferQueue;

/**
 * Does in a worker what the parent asks for.
 *
 * <p>The thread that reads passes everything on to the owner thread of the backend inside, one job
 * for each of the parent's, and handles itself what cannot wait for that: interruptions, signs of
 * life and the parent's end.
 */
final class WorkerServer {

  private static final int BROKEN = 4;
  private static final Cleaner CLEANER = Cleaner.create();

  private final Link parent;
  private final LinkedTransferQueue<Frame> inbox = new LinkedTransferQueue<>();
  private final CompletableFuture<PythonRuntime> python = new CompletableFuture<>();

  /** The functions that were asked for, by number; used on the owner thread only. */
  private final List<String[]> functions = new ArrayList<>();

  /** Passed once the job that was begun last is current; used by the thread that reads only. */
  private CountDownLatch entered = new CountDownLatch(0);

  /** The job that was begun last; used by the thread that reads only. */
  private CompletableFuture<Void> job = CompletableFuture.completedFuture(null);

  /** The session of the current job; used on the owner thread only. */
  private PythonSession session;

  /** Whether the end of the current job is to be answered; used on the owner thread only. */
  private boolean endIsAnswered;

  WorkerServer(Link parent) {
    this.parent = parent;
  }

  /** Python runs: says so. */
  void opened(PythonRuntime runtime) throws IOException {
    OwnedRuntime.ownerOf(runtime); // Refuses what cannot be driven from here.
    if (runtime.capabilities().contains(Capability.NATIVE_EXTENSIONS)) {
      // The pipes are for this process and none that Python code starts.
      for (long descriptor = 3; descriptor <= 4; descriptor++) {
        runtime.call("os", "set_inheritable", descriptor, false).join();
      }
    }
    python.complete(runtime);
    parent.send(
        Frame.of(
            Verb.OPENED,
            runtime.info().backendVersion(),
            runtime.info().pythonVersion(),
            runtime.capabilities().stream().map(Capability::name).toList(),
            Descriptions.tell(runtime.info().python())));
  }

  /** Reads until the parent says that it is done, or fails where it is gone. */
  void serve() throws IOException {
    while (true) {
      Frame frame = parent.read();
      switch (frame.verb()) {
        case BEGIN -> begin();
        case INTERRUPT -> interrupt();
        case PING -> parent.send(Frame.of(Verb.PONG));
        case CLOSE -> close();
        default -> inbox.add(frame);
      }
    }
  }

  private void begin() {
    CountDownLatch current = new CountDownLatch(1);
    entered = current;
    job = python.join().submit(inside -> serveJob(inside, current)).handle(this::jobEnded);
  }

  private Void serveJob(PythonSession inside, CountDownLatch current) throws InterruptedException {
    current.countDown();
    session = inside;
    endIsAnswered = false;
    Frame frame = inbox.take();
    while (frame.verb() != Verb.END) {
      answer(frame);
      frame = inbox.take();
    }
    endIsAnswered = (Boolean) frame.parts().get(0);
    return null;
  }

  private Void jobEnded(Void nothing, Throwable failure) {
    try {
      if (endIsAnswered) {
        parent.send(
            failure == null ? Frame.of(Verb.DONE) : Frame.of(Verb.FAILED, Outcomes.tell(failure)));
      }
    } catch (IOException e) {
      parentIsGone();
    } catch (RuntimeException | Error e) {
      broken(e);
    }
    return null;
  }

  /** The parent interrupts jobs only before it ends them, but perhaps before they began here. */
  private void interrupt() {
    try {
      entered.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    python.join().interrupt();
  }

  private void close() {
    PythonRuntime runtime = python.join();
    job.join();
    OwnedRuntime.ownerOf(runtime).finishOutput();
    runtime.close();
    System.exit(0);
  }

  /**
   * Ends this process because its parent is gone.
   *
   * <p>By a signal, since every way out of a JVM runs the exit handlers of native libraries, beside
   * threads that may be busy in these.
   */
  static void parentIsGone() {
    try {
      String pid = Long.toString(ProcessHandle.current().pid());
      new ProcessBuilder("kill", "-9", pid).start().waitFor();
    } catch (IOException | InterruptedException e) {
      broken(e);
    }
    Runtime.getRuntime().halt(BROKEN);
  }

  /** Ends this process because something happened that must not; its last words tell what. */
  static void broken(Throwable why) {
    why.printStackTrace();
    Runtime.getRuntime().halt(BROKEN);
  }

  /** Does one thing and answers, whatever becomes of it. */
  private void answer(Frame frame) {
    Frame answer;
    try {
      answer = Frame.of(Verb.DONE, answerTo(frame));
    } catch (Throwable e) {
      answer = Frame.of(Verb.FAILED, Outcomes.tell(e));
    }
    try {
      try {
        parent.send(answer);
      } catch (RuntimeException | Error e) { // Too large, for one.
        parent.send(Frame.of(Verb.FAILED, Outcomes.tell(e)));
      }
    } catch (IOException e) {
      parentIsGone();
    }
  }

  private Object[] answerTo(Frame frame) throws Exception {
    OwnerThread owner = OwnedRuntime.ownerOf(python.join());
    switch (frame.verb()) {
      case RESOLVE -> {
        session.function(frame.text(0), frame.text(1));
        functions.add(new String[] {frame.text(0), frame.text(1)});
        return new Object[] {functions.size() - 1};
      }
      case CALL -> {
        String[] name = functions.get(frame.number(0));
        Object[] args = Program.decode(frame.text(1), frame.list(2), this::function).toArray();
        Object result = session.function(name[0], name[1]).call(args);
        return encoded(result, name[0] + "." + name[1]);
      }
      case EXPORTED -> {
        List<Long> ids = frame.list(0).stream().map(Long.class::cast).toList();
        return new Object[] {List.copyOf(owner.stillExported(ids))};
      }
      case DRAIN -> owner.drain();
      case FINISH_OUTPUT -> owner.finishOutput();
      default -> throw new IllegalStateException("The parent sent " + frame.verb());
    }
    return new Object[0];
  }

  private static Object[] encoded(Object result, String label) {
    return Program.encode(new Object[] {result}, label, id -> {}, function -> null);
  }

  /** Makes what stands here for a function of the parent's. */
  private JavaFunction function(long number) {
    JavaFunction function = new ParentFunction(number);
    CLEANER.register(function, () -> release(number));
    return function;
  }

  private void release(long number) {
    try {
      parent.send(Frame.of(Verb.RELEASED, number));
    } catch (IOException e) {
      // The parent is gone, and the thread that reads ends this process.
    }
  }

  /** Calls a function of the parent's, and answers what that asks for in the meantime. */
  private final class ParentFunction implements JavaFunction {

    private final long number;

    ParentFunction(long number) {
      this.number = number;
    }

    @Override
    public Object call(List<Object> args) throws Exception {
      Object[] sent = Program.encode(args.toArray(), "a Java function", id -> {}, function -> null);
      parent.send(Frame.of(Verb.CALLBACK, number, sent[0], sent[1]));
      while (true) {
        Frame frame = inbox.take();
        switch (frame.verb()) {
          case RETURN -> {
            return Program.decode(frame.text(0), frame.list(1), WorkerServer.this::function).get(0);
          }
          case THROW ->
              throw new RemoteError((Long) frame.parts().get(0), frame.text(1), frame.text(2));
          default -> answer(frame);
        }
      }
    }
  }
}
