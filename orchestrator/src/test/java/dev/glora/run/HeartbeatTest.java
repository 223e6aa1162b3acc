package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.Lease;
import dev.glora.store.LeaseLostException;
import dev.glora.store.Liveness;
import dev.glora.store.Owner;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Leases that are renewed, and workers that do not go on. */
@Timeout(60)
class HeartbeatTest {
  private static final PlannedRun RUN = Runs.plan().get(0);
  private static final Duration BEAT = Duration.ofMillis(10);
  private static final Duration LONG = Duration.ofHours(1);

  @TempDir Path runs;
  private RunStore store;
  private final CancelToken cancel = new CancelToken();
  private final AtomicInteger stops = new AtomicInteger();
  private final Worker worker = new Worker("inline", Device.CPU, false, threads -> python());

  @BeforeEach
  void open() {
    store = RunStore.open(runs);
    store.upsert(RUN);
    worker.python(1);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private PythonRuntime python() {
    return (PythonRuntime)
        Proxy.newProxyInstance(
            PythonRuntime.class.getClassLoader(),
            new Class<?>[] {PythonRuntime.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("interrupt")) {
                stops.incrementAndGet();
                return true;
              }
              throw new UnsupportedOperationException(method.getName());
            });
  }

  private Heartbeat heartbeat(Duration patience, Duration beat) {
    return new Heartbeat(store.leases(), patience, cancel, beat);
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }

  private Lease held() {
    return store.leases().holder(RUN.id()).orElseThrow();
  }

  @Test
  void aLeaseIsRenewedWithItsProgressAndGivenBack() {
    try (Heartbeat heartbeat = heartbeat(LONG, BEAT)) {
      try (HeldLease lease = heartbeat.run(RUN.id(), worker)) {
        Lease first = held();
        assertThat(Owner.of(first.owner())).contains(Owner.here("inline"));
        lease.step();
        await(() -> held().expires().isAfter(first.expires()) && held().progress() == 1);
        assertThat(lease.end()).isEmpty();
      }
      assertThat(store.leases().holder(RUN.id())).isEmpty();
    }
  }

  @Test
  void aWorkerWithoutStepsIsStoppedAndFencedOff() {
    try (Heartbeat heartbeat = heartbeat(Duration.ofMillis(100), BEAT);
        HeldLease lease = heartbeat.run(RUN.id(), worker)) {
      RunStore own = lease.under(store);
      // Steps keep it alive, whatever the patience.
      for (int i = 0; i < 100; i++) {
        lease.step();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(4));
      }
      assertThat(lease.end()).isEmpty();
      own.status(RUN.id(), RunStatus.RUNNING, "");
      await(lease::hung);
      await(() -> stops.get() == 1);
      assertThat(lease.end().orElseThrow().sentence())
          .contains("The worker inline has made no step for")
          .contains("the slowest before took at most");
      assertThatThrownBy(() -> own.event(RUN.id(), "LATE", ""))
          .isInstanceOf(LeaseLostException.class);
    }
  }

  @Test
  void workWithoutStepsMayTakeTenTimesAsLong() {
    try (Heartbeat heartbeat = heartbeat(Duration.ofMillis(50), BEAT);
        HeldLease lease = heartbeat.run(RUN.id(), worker)) {
      long began = System.nanoTime();
      await(lease::hung);
      assertThat(System.nanoTime() - began).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(450));
      assertThat(lease.end().orElseThrow().sentence()).contains("an unknown time");
    }
  }

  @Test
  void whoseLeaseWasTakenIsToldAtTheNextBeat() {
    try (Heartbeat heartbeat = heartbeat(LONG, BEAT);
        HeldLease lease = heartbeat.run(RUN.id(), worker)) {
      assertThat(store.leases().revoke(held())).isTrue();
      await(() -> lease.end().isPresent());
      assertThat(lease.hung()).isFalse();
      assertThat(stops.get()).isZero();
    }
  }

  @Test
  void aProcessThatRenewsItsLeaseIsLeftAlone() {
    // By its name of another machine, so that nothing but its silence could say that it is gone.
    Lease other = other("elsewhere/1/1/inline", Duration.ofSeconds(30));
    Thread sign =
        new Thread(
            () -> {
              LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(400));
              store.leases().renew(other, Duration.ofSeconds(30), 1);
            });
    sign.start();
    try (Heartbeat heartbeat = heartbeat(LONG, BEAT)) {
      assertThatThrownBy(() -> heartbeat.run(RUN.id(), worker))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("Another process works on the run " + RUN.id())
          .hasMessageContaining("elsewhere/1/1/inline");
    }
    assertThat(held().token()).isEqualTo(other.token());
  }

  @Test
  void aSilentOneIsTakenOverOnceItsLeaseExpiresAndItsHelpersWithIt() {
    Lease silent = other("elsewhere/1/1/inline", Duration.ofMillis(600));
    Lease helper =
        store
            .leases()
            .acquire(RUN.id(), RUN.id() + "/worker-2", "elsewhere/1/1/worker-2", LONG)
            .orElseThrow();
    try (Heartbeat heartbeat = heartbeat(LONG, BEAT);
        HeldLease lease = heartbeat.run(RUN.id(), worker)) {
      assertThat(lease.end()).isEmpty();
      assertThatThrownBy(() -> store.under(silent).event(RUN.id(), "LATE", ""))
          .isInstanceOf(LeaseLostException.class);
      assertThatThrownBy(() -> store.under(helper).event(RUN.id(), "LATE", ""))
          .isInstanceOf(LeaseLostException.class);
    }
  }

  @Test
  void aProcessOfThisMachineThatIsGoneIsNotWaitedFor() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    Owner here = Owner.here("inline");
    other(new Owner(here.host(), ended.pid(), 1, "inline").toString(), LONG);
    store.status(RUN.id(), RunStatus.RUNNING, "");
    assertThat(Liveness.status(store, runs, store.find(RUN.id()).orElseThrow()))
        .isEqualTo(RunStatus.INTERRUPTED);
    try (Heartbeat heartbeat = heartbeat(LONG, BEAT);
        HeldLease lease = heartbeat.run(RUN.id(), worker)) {
      assertThat(lease.end()).isEmpty();
      assertThat(Liveness.status(store, runs, store.find(RUN.id()).orElseThrow()))
          .isEqualTo(RunStatus.RUNNING);
    }
  }

  private Lease other(String owner, Duration length) {
    return store.leases().acquire(RUN.id(), RUN.id(), owner, length).orElseThrow();
  }
}
