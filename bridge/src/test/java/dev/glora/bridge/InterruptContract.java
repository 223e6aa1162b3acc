package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an interruption must do on every backend that has {@link Capability#INTERRUPT}. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class InterruptContract {

  protected static final String SAMPLES = ValueContract.SAMPLES;

  private PythonRuntime python;

  /** Returns the backend's name. */
  protected abstract String backend();

  @BeforeAll
  void open() {
    python = PythonRuntime.open(TestPython.config(backend()));
    assumeTrue(python.capabilities().contains(Capability.INTERRUPT));
  }

  @AfterAll
  void close() {
    python.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"spin", "spin_and_convert"})
  void endlessPythonCodeEndsAndThenTheInterpreterWorks(String function) throws Exception {
    assumeTrue(python.capabilities().contains(Capability.CALLBACKS));
    for (int round = 0; round < 3; round++) {
      CountDownLatch begun = new CountDownLatch(1);
      JavaFunction tell =
          args -> {
            begun.countDown();
            return null;
          };
      CompletableFuture<Object> future = python.call(SAMPLES, function, tell);
      begun.await();
      assertThat(python.interrupt()).isTrue();
      assertThat(TestPython.failure(future)).isInstanceOf(CancelledException.class);
      assertThat(python.call(SAMPLES, "total", 1L, 2L).join()).isEqualTo(3L);
    }
  }

  @Test
  void nothingRunsNothingIsInterrupted() {
    python.call(SAMPLES, "nothing").join();
    python.submit(session -> null).join();
    assertThat(python.interrupt()).isFalse();
    assertThat(python.call(SAMPLES, "count", 100_000L).join()).isEqualTo(100_000L);
  }

  @Test
  void tasksBetweenTwoCallsEndWithTheirNextCall() throws Exception {
    CountDownLatch inTask = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    CompletableFuture<Object> task =
        python.submit(
            session -> {
              inTask.countDown();
              interrupted.await();
              return session.call(SAMPLES, "count", 100_000_000L);
            });
    assertThat(inTask.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(python.interrupt()).isTrue();
    interrupted.countDown();
    assertThat(TestPython.failure(task)).isInstanceOf(CancelledException.class);
  }

  @Test
  void tasksMayGoOnAfterACancelledCall() throws Exception {
    CountDownLatch inTask = new CountDownLatch(1);
    CompletableFuture<Object> task =
        python.submit(
            session -> {
              inTask.countDown();
              try {
                session.call(SAMPLES, "count", Long.MAX_VALUE);
                return "not reached";
              } catch (CancelledException e) {
                return session.call(SAMPLES, "count", 100_000L);
              }
            });
    assertThat(inTask.await(30, TimeUnit.SECONDS)).isTrue();
    python.interrupt();
    assertThat(task.join()).isEqualTo(100_000L);
  }

  /** Interruptions at every possible moment: none may reach the call that follows. */
  @Test
  void noInterruptionReachesALaterCall() {
    for (long round = 0; round < 300; round++) {
      CompletableFuture<Object> first = python.call(SAMPLES, "count", round * round);
      python.interrupt();
      CompletableFuture<Object> second = python.call(SAMPLES, "count", 2_000L);
      Throwable failure = TestPython.failure(first);
      if (failure == null) {
        assertThat(first.join()).isEqualTo(round * round);
      } else {
        assertThat(failure).isInstanceOf(CancelledException.class);
      }
      assertThat(second.join()).isEqualTo(2_000L);
    }
  }

  @Test
  void whatHasNotStartedIsTakenBackByItsFuture() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CompletableFuture<Boolean> first =
        python.submit(session -> release.await(30, TimeUnit.SECONDS));
    boolean[] ran = new boolean[1];
    CompletableFuture<Boolean> second = python.submit(session -> ran[0] = true);
    assertThat(second.cancel(false)).isTrue();
    release.countDown();
    assertThat(first.join()).isTrue();
    python.call(SAMPLES, "nothing").join();
    assertThat(ran[0]).isFalse();
  }

  @Test
  void callsEndAtTheirTimeLimit() {
    for (int round = 0; round < 3; round++) {
      Throwable e =
          TestPython.failure(python.call(Duration.ofMillis(100), SAMPLES, "count", Long.MAX_VALUE));
      assertThat(e).isInstanceOf(TimeLimitException.class).hasMessageContaining("100 ms");
      assertThat(((TimeLimitException) e).limit()).isEqualTo(Duration.ofMillis(100));
      assertThat(python.call(SAMPLES, "count", 10_000L).join()).isEqualTo(10_000L);
    }
  }

  @Test
  void callsThatEndInTimeAreNotTouched() {
    for (long i = 0; i < 200; i++) {
      assertThat(python.call(Duration.ofSeconds(30), SAMPLES, "count", i).join()).isEqualTo(i);
    }
  }

  /** Limits that strike around the very end of a call: it ends one way or the other, whole. */
  @Test
  void timeLimitsNeverReachALaterCall() {
    for (int round = 0; round < 100; round++) {
      CompletableFuture<Object> first =
          python.call(Duration.ofNanos(1 + round * 20_000L), SAMPLES, "count", 20_000L);
      CompletableFuture<Object> second = python.call(SAMPLES, "count", 2_000L);
      Throwable failure = TestPython.failure(first);
      if (failure != null) {
        assertThat(failure).isInstanceOf(TimeLimitException.class);
      }
      assertThat(second.join()).isEqualTo(2_000L);
    }
  }

  @Test
  void limitsInsideATaskEndTheirCallOnly() {
    Object result =
        python
            .submit(
                session -> {
                  CompletableFuture<Object> inner =
                      python.call(Duration.ofMillis(50), SAMPLES, "count", Long.MAX_VALUE);
                  assertThat(TestPython.failure(inner)).isInstanceOf(TimeLimitException.class);
                  return session.call(SAMPLES, "count", 100_000L);
                })
            .join();
    assertThat(result).isEqualTo(100_000L);
  }

  @Test
  void cancellingAFutureStopsWhatRuns() throws Exception {
    for (int round = 0; round < 3; round++) {
      CountDownLatch inTask = new CountDownLatch(1);
      Throwable[] seen = new Throwable[1];
      CompletableFuture<Object> endless =
          python.submit(
              session -> {
                inTask.countDown();
                try {
                  return session.call(SAMPLES, "count", Long.MAX_VALUE);
                } catch (CancelledException e) {
                  seen[0] = e;
                  throw e;
                }
              });
      assertThat(inTask.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(endless.cancel(true)).isTrue();
      assertThat(python.call(SAMPLES, "count", 2_000L).join()).isEqualTo(2_000L);
      assertThat(seen[0]).isInstanceOf(CancelledException.class);
    }
  }

  @Test
  void limitsThatAreNotPositiveAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> python.call(Duration.ZERO, SAMPLES, "nothing"))
        .withMessageContaining("longer than nothing");
  }
}
