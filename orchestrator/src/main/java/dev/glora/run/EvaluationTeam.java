package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.run.CandidateEvaluator.Found;
import dev.glora.store.RunStore;
import dev.glora.train.PythonCalls;
import dev.glora.train.Watch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The worker of a run, and those that help it evaluate its generations.
 *
 * <p>The candidates lie in one queue, sorted by what they share; each worker takes the next few of
 * them, fewer towards the end so that all end at about the same time. What a worker that dies has
 * not written goes back to the front. A helper has a lease of its own and writes under it; one that
 * dies or hangs is started again after a while, as often as a run may be. One that fails otherwise
 * leaves, and what it failed of is met again by the run's own worker.
 */
final class EvaluationTeam implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EvaluationTeam.class);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(500);

  /** Writes what was found, under a lease. */
  interface Writer {
    void write(RunStore store, Candidate candidate, Found found);
  }

  /** Opens the model of the search in a helper's interpreter, and evaluates there until the end. */
  interface Opener {
    void open(PythonRuntime python, Watch watch, Work work);
  }

  /** What is done in an opened model. */
  interface Work {
    void in(CandidateEvaluator evaluator);
  }

  private final RunContext context;
  private final CandidateEvaluator own;
  private final Opener opener;
  private final List<Thread> helpers = new ArrayList<>();

  // Guarded by this.
  private final Deque<Candidate> open = new ArrayDeque<>();
  private Writer writer;
  private BiConsumer<Candidate, Found> done;
  private int atWork;
  private int members = 1;
  private boolean ended;

  /**
   * Makes a team of the run's own worker alone.
   *
   * @param context the run
   * @param own the evaluator of the run's own worker
   * @param opener opens the same in others
   */
  EvaluationTeam(RunContext context, CandidateEvaluator own, Opener opener) {
    this.context = context;
    this.own = own;
    this.opener = opener;
  }

  /**
   * Evaluates some candidates, with whoever is spare.
   *
   * @param candidates the candidates
   * @param write writes each that was evaluated
   * @param each is told each that is written, by one thread at a time
   */
  void evaluate(List<Candidate> candidates, Writer write, BiConsumer<Candidate, Found> each) {
    recruit(candidates.size() - 1);
    List<Candidate> ordered = alone() ? candidates : own.ordered(candidates);
    synchronized (this) {
      writer = write;
      done = each;
      open.addAll(ordered);
      notifyAll();
    }
    HeldLease lease = context.post().lease();
    for (List<Candidate> share = take(lease, true); !share.isEmpty(); share = take(lease, true)) {
      evaluate(own, share, context.store());
    }
  }

  private void recruit(int most) {
    while (helpers.size() < most) {
      Optional<Worker> spare =
          context.post().premises().workers().takeSpare(context.post().worker());
      if (spare.isEmpty()) {
        return;
      }
      Worker worker = spare.get();
      synchronized (this) {
        members++;
      }
      Thread thread = new Thread(() -> help(worker), "glora-" + worker.name() + "-helps");
      thread.setDaemon(true);
      thread.start();
      helpers.add(thread);
    }
  }

  private synchronized boolean alone() {
    return members == 1;
  }

  /**
   * The next few candidates; none for the run's own worker once all are done, for others at the
   * end.
   */
  private synchronized List<Candidate> take(HeldLease lease, boolean ofTheRun) {
    while (!ended && open.isEmpty() && !(ofTheRun && atWork == 0)) {
      try {
        wait(LOOK_AGAIN.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw context.stop();
      }
      // To wait for the others is to go on.
      lease.step();
      if (context.stopped()) {
        throw context.stop();
      }
    }
    List<Candidate> share = new ArrayList<>();
    int most = members == 1 ? open.size() : Math.max(1, open.size() / (2 * members));
    while (!ended && share.size() < most && !open.isEmpty()) {
      share.add(open.removeFirst());
    }
    atWork += share.size();
    return share;
  }

  private void evaluate(CandidateEvaluator evaluator, List<Candidate> share, RunStore store) {
    List<Candidate> left = new ArrayList<>(share);
    try {
      evaluator.evaluate(
          share,
          (candidate, found) -> {
            writer().write(store, candidate, found);
            left.remove(candidate);
            finished(candidate, found);
          });
    } finally {
      giveBack(left);
    }
  }

  private synchronized Writer writer() {
    return writer;
  }

  private synchronized void finished(Candidate candidate, Found found) {
    atWork--;
    notifyAll();
    done.accept(candidate, found);
  }

  private synchronized void giveBack(List<Candidate> left) {
    atWork -= left.size();
    for (int i = left.size() - 1; i >= 0; i--) {
      open.addFirst(left.get(i));
    }
    notifyAll();
  }

  private void help(Worker worker) {
    RunLog.belongs(context.id());
    boolean fit = false;
    try {
      fit = untilTheEnd(worker);
    } catch (RuntimeException | Error e) {
      // Its lease could not be taken or given back: the store says the same to the run's worker.
      LOG.warn("{} helps no more", worker.name(), e);
    } finally {
      synchronized (this) {
        members--;
        notifyAll();
      }
      if (fit) {
        context.post().premises().workers().spare(worker);
      } else {
        worker.close();
      }
    }
  }

  /**
   * Helps, through deaths, until the team is at its end; says whether the worker is fit for more.
   */
  private boolean untilTheEnd(Worker worker) {
    int inARow = 0;
    for (int failures = 1; ; failures++) {
      try (HeldLease lease = context.post().premises().heartbeat().help(context.id(), worker)) {
        try {
          serve(worker, lease);
          return true;
        } catch (RuntimeException | Error e) {
          FailureKind kind = FailureKind.of(e, lease.hung());
          boolean again = kind == FailureKind.WORKER_DIED || kind == FailureKind.WORKER_HUNG;
          if (over()) {
            return !again;
          }
          again &= failures < context.post().premises().attempts();
          inARow = lease.progressed() ? 1 : inARow + 1;
          tell(worker, lease, e, again ? Attempts.pause(inARow) : null);
          if (!again) {
            return false;
          }
        }
      }
      worker.close();
      if (!pause(Attempts.pause(inARow))) {
        return true;
      }
    }
  }

  private void serve(Worker worker, HeldLease lease) {
    PythonRuntime python = worker.python(context.run().experiment().runtime().threads());
    String fingerprint =
        RunStages.environment(python, context.device(), context.run(), context.post().microBatch())
            .path("fingerprint")
            .asText();
    if (!fingerprint.equals(context.fingerprint())) {
      throw GloraException.environment(
          "it computes in another environment than the run's own worker, where the last bits of its"
              + " numbers would differ");
    }
    RunStore store = lease.under(context.store());
    opener.open(
        python,
        new HelperWatch(context, lease),
        evaluator -> {
          List<Candidate> share = take(lease, false);
          while (!share.isEmpty()) {
            evaluate(evaluator, share, store);
            share = take(lease, false);
          }
        });
  }

  private void tell(Worker worker, HeldLease lease, Throwable error, Duration pause) {
    String what =
        lease.hung()
            ? lease.end().orElseThrow().sentence()
            : PythonCalls.translate(error).sentence();
    String line =
        String.format(
            "The worker %s, which helped with the search of %s, ended (%s): %s.",
            worker.name(),
            context.id(),
            what.replaceFirst("\\.$", ""),
            pause == null
                ? "the others go on without it"
                : "it is started again in " + pause.toSeconds() + " s");
    LOG.warn("{}", line, error);
    context.store().event(context.id(), "HELPER", line);
    context.listener().message(line);
  }

  private synchronized boolean over() {
    return ended || context.stopped();
  }

  /** Waits, and says whether there is anything left to help with. */
  private synchronized boolean pause(Duration pause) {
    long end = System.nanoTime() + pause.toNanos();
    for (long left = pause.toNanos(); left > 0 && !over(); left = end - System.nanoTime()) {
      try {
        wait(Math.max(1, Math.min(LOOK_AGAIN.toMillis(), TimeUnit.NANOSECONDS.toMillis(left))));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return !over();
  }

  /** Lets the helpers finish what they are at, and gives them back. */
  @Override
  public void close() {
    synchronized (this) {
      ended = true;
      open.clear();
      notifyAll();
    }
    for (Thread helper : helpers) {
      try {
        helper.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Tells nobody: the run's own watch hears of every candidate. */
  private record HelperWatch(RunContext context, HeldLease lease) implements Watch {
    @Override
    public boolean cancelled() {
      lease.step();
      return context.stopped() || lease.end().isPresent();
    }

    @Override
    public GloraException cancellation() {
      return lease.end().orElseGet(context::stop);
    }

    @Override
    public void advance(long done, String note) {
      // Batches of one candidate.
    }

    @Override
    public void saved() {
      // Nothing of its own.
    }
  }
}
