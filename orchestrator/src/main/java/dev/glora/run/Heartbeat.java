package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.store.Lease;
import dev.glora.store.Leases;
import dev.glora.store.Owner;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renews the leases of what this process works on, and notices what does not go on.
 *
 * <p>A lease holds for {@link #LENGTH} and is renewed every third beat, so another process may take
 * over at most 15 s after the last sign of life.
 */
final class Heartbeat implements AutoCloseable {
  /** How long a lease holds without being renewed. */
  static final Duration LENGTH = Duration.ofSeconds(12);

  /** The time between two beats. */
  static final Duration BEAT = Duration.ofSeconds(1);

  private static final int RENEW_EVERY = 3;
  private static final Duration LOOK_AGAIN = Duration.ofMillis(250);

  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

  private final Leases leases;
  private final CancelToken cancel;
  private final Duration beat;
  private final Duration patience;
  private final Set<HeldLease> held = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock;
  private final ScheduledFuture<?> beats;

  Heartbeat(Leases leases, Duration patience, CancelToken cancel, Duration beat) {
    this.leases = leases;
    this.patience = patience;
    this.cancel = cancel;
    this.beat = beat;
    this.clock =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "glora-heartbeat");
              thread.setDaemon(true);
              return thread;
            });
    long nanos = beat.toNanos();
    // With a delay between and not at a rate: beats that were missed are not made up for.
    this.beats = clock.scheduleWithFixedDelay(this::beatAll, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  private void beatAll() {
    for (HeldLease each : held) {
      try {
        each.beat(beat, patience, RENEW_EVERY, LENGTH);
      } catch (RuntimeException e) {
        // One that cannot be renewed must not end the clock of the others.
        LOG.warn("A heartbeat failed", e);
      }
    }
  }

  /**
   * Takes a run for a worker, from whoever held it and has ended or gave no sign of life in time.
   *
   * @param run the run's id
   * @param worker who will work on it
   * @return the lease, to be closed by the caller
   * @throws GloraException if another process works on it, or on a cancel
   */
  HeldLease run(String run, Worker worker) {
    Instant sign = null;
    while (true) {
      cancel.check();
      Optional<Lease> got = leases.acquire(run, run, owner(worker), LENGTH);
      if (got.isPresent()) {
        // Who helped the one before has no right to any more.
        leases.of(run).stream().filter(each -> !each.subject().equals(run)).forEach(leases::revoke);
        return keep(got.get(), worker);
      }
      Optional<Lease> other = leases.holder(run);
      if (other.flatMap(lease -> Owner.of(lease.owner())).filter(Owner::gone).isPresent()) {
        leases.revoke(other.get());
      } else if (other.isPresent() && sign != null && !other.get().renewed().equals(sign)) {
        throw GloraException.failed(
            "Another process works on the run "
                + run
                + " ("
                + other.get().owner()
                + "): wait for it, or end it first; both would give the same result.");
      } else {
        sign = other.map(Lease::renewed).orElse(sign);
        LockSupport.parkNanos(LOOK_AGAIN.toNanos());
      }
    }
  }

  /**
   * Takes a part of a run for a worker that helps with it.
   *
   * @param run the run's id, whose lease this process holds
   * @param worker who helps
   * @return the lease, to be closed by the caller
   */
  HeldLease help(String run, Worker worker) {
    String subject = run + "/" + worker.name();
    // Nobody but this process gives it; one that is left is of a process before.
    leases.of(run).stream().filter(each -> each.subject().equals(subject)).forEach(leases::revoke);
    return keep(leases.acquire(run, subject, owner(worker), LENGTH).orElseThrow(), worker);
  }

  private HeldLease keep(Lease lease, Worker worker) {
    HeldLease kept = new HeldLease(this, leases, lease, worker);
    held.add(kept);
    return kept;
  }

  void forget(HeldLease lease) {
    held.remove(lease);
  }

  private static String owner(Worker worker) {
    return Owner.here(worker.name()).toString();
  }

  /** Stops the clock. */
  @Override
  public void close() {
    beats.cancel(false);
    clock.shutdown();
    try {
      if (!clock.awaitTermination(LENGTH.toSeconds(), TimeUnit.SECONDS)) {
        LOG.warn("The last heartbeat has not come to its end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
