package dev.glora.bridge.worker;

import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonSession;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.bridge.spi.Engine;
import dev.glora.bridge.spi.JavaFunctions;
import dev.glora.bridge.spi.OwnerThread;
import dev.glora.bridge.worker.Link.Frame;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/** The interpreter in a worker, driven by the owner thread of this process. */
final class WorkerEngine implements Engine {

  /** What a worker whose jobs are done needs to end. */
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  private final WorkerProcess process;
  private final Duration killAfter;
  private final LongConsumer handedOver;
  private final Thread owner = Thread.currentThread();
  private final JavaFunctions javaFunctions;
  private final Map<String, PythonFunction> functions = new HashMap<>();
  private final PythonSession session = this::function;

  /** The Java functions that Python knows, by the number under which it got them. */
  private final Map<Long, JavaFunction> known = new ConcurrentHashMap<>();

  private final AtomicLong numbers = new AtomicLong();

  /** Whether the current job has begun in the worker too; guarded by this. */
  private boolean begun;

  /** Whether the end of the current job may tell more than its calls did. */
  private boolean unclear;

  /** Creates the engine on the owner thread, for a worker that is opened. */
  WorkerEngine(WorkerProcess process, Duration killAfter, LongConsumer handedOver) {
    this.process = process;
    this.killAfter = killAfter;
    this.handedOver = handedOver;
    this.javaFunctions = new JavaFunctions(handedOver);
    process.onRelease(known::remove);
  }

  @Override
  public PythonSession session() {
    return session;
  }

  private PythonFunction function(String module, String name) {
    String label = module + "." + name;
    requireOwner(label);
    PythonFunction found = functions.get(label);
    if (found == null) {
      found = new RemoteFunction(label, ask(Verb.RESOLVE, module, name).number(0));
      functions.put(label, found);
    }
    return found;
  }

  private final class RemoteFunction implements PythonFunction {

    private final String label;
    private final int number;

    RemoteFunction(String label, int number) {
      this.label = label;
      this.number = number;
    }

    @Override
    public Object call(Object... args) {
      requireOwner(label);
      Object[] sent = Program.encode(args, label, handedOver, function -> register(function));
      Frame answer = ask(Verb.CALL, number, sent[0], sent[1]);
      return Program.decode(answer.text(0), answer.list(1), n -> null).get(0);
    }

    @Override
    public String toString() {
      return "Python function " + label;
    }
  }

  private void requireOwner(String what) {
    OwnerThread.requireCurrent(owner, what);
  }

  private long register(JavaFunction function) {
    long number = numbers.incrementAndGet();
    known.put(number, function);
    return number;
  }

  /** Asks for something and, until that is answered, answers what Python asks of Java. */
  private Frame ask(Verb verb, Object... parts) {
    synchronized (this) {
      begin();
      process.send(Frame.of(verb, parts));
    }
    return answer();
  }

  private Frame answer() {
    while (true) {
      Frame answer = process.answer();
      switch (answer.verb()) {
        case DONE -> {
          return answer;
        }
        case CALLBACK -> answer(answer);
        default -> {
          RuntimeException failure = Outcomes.read(answer.list(0), javaFunctions::thrown);
          unclear |= !(failure instanceof PythonException);
          throw failure;
        }
      }
    }
  }

  private void answer(Frame call) {
    JavaFunction function = known.get((Long) call.parts().get(0));
    List<Object> args = Program.decode(call.text(1), call.list(2), n -> null);
    try {
      process.send(outcome(function, args));
    } catch (WorkerDiedException e) {
      throw e;
    } catch (RuntimeException | Error e) { // The result cannot cross; the worker waits for one.
      process.send(
          outcome(
              a -> {
                throw e;
              },
              args));
    }
  }

  private Frame outcome(JavaFunction function, List<Object> args) {
    Object[] result = javaFunctions.call(function, args, this::register);
    if (result[0].equals("!")) {
      return Frame.of(Verb.THROW, result[1], result[2], Link.printable((String) result[3]));
    }
    Object[] sent = Program.parts(result);
    return Frame.of(Verb.RETURN, sent[0], sent[1]);
  }

  @Override
  public void jobBegins() {
    unclear = false;
  }

  /** Jobs begin in the worker with the first that it hears of them. */
  private synchronized void begin() {
    if (!begun) {
      process.defer(Frame.of(Verb.BEGIN));
      begun = true;
    }
  }

  @Override
  public void jobEnds() {
    boolean told;
    synchronized (this) {
      told = begun;
      begun = false;
      if (told) {
        // Sent with what follows: the worker has nothing else to do.
        process.defer(Frame.of(Verb.END, unclear));
      }
    }
    if (told && unclear) {
      process.send();
      answer();
    }
    javaFunctions.forget();
  }

  /** Sent from a thread of its own: none that watches over others may wait for a full pipe. */
  @Override
  public CompletableFuture<Void> plant() {
    CompletableFuture<Void> sent = new CompletableFuture<>();
    Thread sender =
        new Thread(
            () -> {
              try {
                synchronized (this) {
                  begin();
                  process.send(Frame.of(Verb.INTERRUPT));
                }
              } catch (WorkerDiedException e) {
                // Whoever waits for the worker is told.
              } finally {
                sent.complete(null);
              }
            },
            "python-worker-interrupt");
    sender.setDaemon(true);
    sender.start();
    return sent;
  }

  @Override
  public void drain() {
    ask(Verb.DRAIN);
  }

  @Override
  public void overdue(Duration since) {
    if (since.compareTo(killAfter) >= 0) {
      process.kill("it ran on for %d ms after its time limit".formatted(since.toMillis()));
    }
  }

  @Override
  public Set<Long> stillExported(Collection<Long> ids) {
    List<?> held = ask(Verb.EXPORTED, List.copyOf(ids)).list(0);
    return held.stream().map(Long.class::cast).collect(Collectors.toSet());
  }

  @Override
  public void finishOutput() {
    ask(Verb.FINISH_OUTPUT);
  }

  @Override
  public void close() {
    process.close(CLOSE_LIMIT);
  }
}
