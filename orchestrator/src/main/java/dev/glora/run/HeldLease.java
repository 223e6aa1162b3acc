package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.store.Claims;
import dev.glora.store.Lease;
import dev.glora.store.LeaseLostException;
import dev.glora.store.Leases;
import dev.glora.store.RunStore;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lease that {@link Heartbeat} renews as long as its worker goes on.
 *
 * <p>Going on is told by steps: the loops ask between any two whether to stop, and each question is
 * one. A worker counts as hung after {@code max(patience, 10 × its slowest step of this stage)}
 * without a step; where a stage has shown no step yet, after {@code 10 × patience}. All three are
 * counted in beats of the clock and not in its time, so that a process that was stopped and goes on
 * is not taken for a hung one.
 */
final class HeldLease implements AutoCloseable {
  /** A step may take as much longer than the slowest one before. */
  static final int SLACK = 10;

  private static final Logger LOG = LoggerFactory.getLogger(HeldLease.class);

  private final Heartbeat heartbeat;
  private final Leases leases;
  private final Worker worker;
  private final AtomicLong steps = new AtomicLong();

  private volatile Lease lease;
  private volatile GloraException end;

  // Guarded by this.
  private boolean released;
  private long seen;
  private long seenInStage;
  private int idle;
  private int slowest;
  private int sinceRenewal;

  HeldLease(Heartbeat heartbeat, Leases leases, Lease lease, Worker worker) {
    this.heartbeat = heartbeat;
    this.leases = leases;
    this.lease = lease;
    this.worker = worker;
  }

  /** A view of the store that refuses writes once the lease is lost. */
  RunStore under(RunStore store) {
    return store.under(lease);
  }

  /** What is claimed of a store as long as the lease holds. */
  Claims claims(RunStore store) {
    return store.claims(lease);
  }

  /** The work goes on: called between two steps, from any thread. */
  void step() {
    steps.incrementAndGet();
  }

  /** Whether any step was made. */
  boolean progressed() {
    return steps.get() > 0;
  }

  /** What follows has steps of another length, or none. */
  synchronized void stage() {
    seen = steps.get();
    seenInStage = 0;
    idle = 0;
    slowest = 0;
  }

  /** Why the work has no right to go on, once that is so. */
  Optional<GloraException> end() {
    return Optional.ofNullable(end);
  }

  /** Whether the worker was stopped because it hung. */
  boolean hung() {
    return end != null && !(end instanceof LeaseLostException);
  }

  /** A beat of the clock. */
  void beat(Duration beat, Duration patience, int renewEvery, Duration length) {
    Optional<String> hang;
    synchronized (this) {
      if (released || end != null) {
        return;
      }
      hang = look(beat, patience);
      if (hang.isEmpty() && ++sinceRenewal >= renewEvery) {
        sinceRenewal = 0;
        renew(length);
      }
    }
    hang.ifPresent(this::hang);
  }

  private Optional<String> look(Duration beat, Duration patience) {
    long now = steps.get();
    if (now != seen) {
      // What came before the first step of a stage was no step.
      slowest = seenInStage == 0 ? 1 : Math.max(slowest, idle + 1);
      seenInStage += now - seen;
      seen = now;
      idle = 0;
      return Optional.empty();
    }
    idle++;
    boolean measured = seenInStage > 1;
    Duration slow = beat.multipliedBy((long) SLACK * slowest);
    Duration limit =
        !measured ? patience.multipliedBy(SLACK) : slow.compareTo(patience) > 0 ? slow : patience;
    Duration waited = beat.multipliedBy(idle);
    if (waited.compareTo(limit) < 0) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "has made no step for %.3g s, of which the slowest before took %s",
            waited.toMillis() / 1e3,
            measured
                ? String.format(
                    Locale.ROOT, "at most %.3g s", beat.multipliedBy(slowest).toMillis() / 1e3)
                : "an unknown time"));
  }

  private void renew(Duration length) {
    try {
      lease = leases.renew(lease, length, steps.get());
    } catch (LeaseLostException e) {
      end = e;
      LOG.warn("{}", e.sentence());
    } catch (GloraException e) {
      // A full disk, a database that is away: the lease may expire, the work is not ended by it.
      LOG.warn("The lease of {} could not be renewed: {}", lease.subject(), e.sentence());
    }
  }

  /** Fences it off, then ends it: whatever still comes of it is not written. */
  private void hang(String why) {
    end =
        GloraException.failed(
            "The worker " + worker.name() + " " + why + ", and counts as hung.", null);
    LOG.warn("{} at {}", end.sentence(), lease.subject());
    try {
      leases.revoke(lease);
    } catch (GloraException e) {
      LOG.warn("The lease of {} could not be taken off it: {}", lease.subject(), e.sentence());
    } finally {
      worker.stop();
    }
  }

  /** Gives the lease back. */
  @Override
  public void close() {
    heartbeat.forget(this);
    synchronized (this) {
      released = true;
    }
    try {
      leases.release(lease);
    } catch (GloraException e) {
      LOG.warn("The lease of {} could not be given back: {}", lease.subject(), e.sentence());
    }
  }
}
