package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.GloraException;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which failure brings about what. */
class AttemptsTest {
  private static final PlannedRun RUN = Runs.plan().get(0);

  @TempDir Path runs;
  private RunStore store;

  @BeforeEach
  void open() {
    store = RunStore.open(runs);
    store.upsert(RUN);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Optional<Attempts.Next> fail(Attempts attempts, FailureKind kind, boolean progress) {
    return attempts.failed(store, kind, "a reason", "worker-1", 12, progress);
  }

  @Test
  void theLimitIsKeptOverProcessesAndReset() {
    Attempts first = new Attempts(store, RUN.id(), 3);
    assertThat(fail(first, FailureKind.WORKER_DIED, true)).isPresent();
    Attempts second = new Attempts(store, RUN.id(), 3);
    assertThat(fail(second, FailureKind.WORKER_HUNG, true).orElseThrow().words())
        .isEqualTo("attempt 3 of 3 in 1 s");
    assertThat(fail(second, FailureKind.WORKER_DIED, true)).isEmpty();
    assertThat(store.section(RUN.id(), "attempts").orElseThrow().path("failures")).hasSize(3);

    Attempts.reset(store, RUN.id());
    assertThat(fail(new Attempts(store, RUN.id(), 3), FailureKind.WORKER_DIED, true)).isPresent();
  }

  @Test
  void thePauseDoublesAsLongAsNoStepIsMade() {
    Attempts attempts = new Attempts(store, RUN.id(), 100);
    for (int seconds : new int[] {1, 2, 4, 8, 16, 32, 60, 60}) {
      assertThat(fail(attempts, FailureKind.WORKER_DIED, false).orElseThrow().pause())
          .isEqualTo(Duration.ofSeconds(seconds));
    }
    assertThat(fail(attempts, FailureKind.WORKER_DIED, true).orElseThrow().pause())
        .isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void wantOfMemoryHalvesTheMicroBatchUntilItIsOneRowAndNoRestartForgetsIt() {
    Attempts attempts = new Attempts(store, RUN.id(), 1);
    int rows = 12;
    for (int half : new int[] {6, 3, 1}) {
      Attempts.Next next =
          attempts
              .failed(store, FailureKind.OUT_OF_MEMORY, "no room", "inline", rows, true)
              .orElseThrow();
      assertThat(next.pause()).isZero();
      assertThat(next.words()).contains("micro-batches of " + half + " row");
      store.restart(RUN.id());
      rows = new Attempts(store, RUN.id(), 1).microBatch();
      assertThat(rows).isEqualTo(half);
    }
    assertThat(attempts.failed(store, FailureKind.OUT_OF_MEMORY, "no room", "inline", 1, true))
        .isEmpty();
    Attempts.reset(store, RUN.id());
    assertThat(attempts.microBatch()).isEqualTo(1);
  }

  @Test
  void whatWouldHappenAgainIsNotTriedAgain() {
    assertThat(fail(new Attempts(store, RUN.id(), 3), FailureKind.OTHER, true)).isEmpty();
    assertThat(store.section(RUN.id(), "attempts")).isEmpty();
  }

  @Test
  void theKindIsFoundInTheCauses() {
    WorkerDiedException died = new WorkerDiedException("it died", 137, List.of());
    assertThat(FailureKind.of(GloraException.failed("x", died), false))
        .isEqualTo(FailureKind.WORKER_DIED);
    assertThat(FailureKind.of(new PythonStartException("no start", List.of(), died), false))
        .isEqualTo(FailureKind.WORKER_DIED);
    assertThat(FailureKind.of(died, true)).isEqualTo(FailureKind.WORKER_HUNG);
    assertThat(FailureKind.of(new OutOfDeviceMemoryException("full", null), false))
        .isEqualTo(FailureKind.OUT_OF_MEMORY);
    assertThat(FailureKind.of(GloraException.usage("diverged"), false))
        .isEqualTo(FailureKind.OTHER);
  }
}
