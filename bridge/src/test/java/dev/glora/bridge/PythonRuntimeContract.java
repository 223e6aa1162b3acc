package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.function.Executable;

/**
 * What calls must do on every backend: values, errors, tasks, handles. A backend's test extends
 * this and names itself.
 */
public abstract class PythonRuntimeContract extends ErrorContract {

  @Test
  void tellsWhatItRunsOn() {
    RuntimeInfo info = python.info();
    assertThat(info.backend()).isEqualTo(backend());
    assertThat(call("result_of", "'.'.join(map(str, sys.version_info[:3]))"))
        .isEqualTo(info.pythonVersion());
    if (info.python().isPresent()) {
      assertThat(info.python().get().executable()).isEqualTo(TestPython.executable());
      assertThat(call("result_of", "sys.prefix"))
          .isEqualTo(info.python().get().prefix().toString());
      assertThat(call("result_of", "sys.executable")).isEqualTo(TestPython.executable().toString());
    }
  }

  @Test
  void environmentIsSetBeforeAnythingIsImported() {
    assertThat(call("variable", "OMP_NUM_THREADS")).isEqualTo("2");
    assertThat(call("variable", "GLORA_BRIDGE_TEST")).isEqualTo("here ä");
    assertThat(call("variable", "GLORA_BRIDGE_TEST_UNSET")).isNull();
  }

  @Test
  void tasksRunAsAWholeOnOneThread() {
    Thread[] threads = new Thread[2];
    Object sum =
        python
            .submit(
                session -> {
                  threads[0] = Thread.currentThread();
                  PythonFunction total = session.function(SAMPLES, "total");
                  assertThat(session.function(SAMPLES, "total")).isSameAs(total);
                  Object value = 0L;
                  for (long i = 0; i < 100; i++) {
                    value = total.call(value, i);
                  }
                  return value;
                })
            .join();
    python.submit(session -> threads[1] = Thread.currentThread()).join();
    assertThat(sum).isEqualTo(4950L);
    assertThat(threads[0]).isSameAs(threads[1]).isNotSameAs(Thread.currentThread());
    assertThat(call("thread")).isEqualTo(call("thread"));
  }

  @Test
  void exceptionsOfTasksCompleteTheFuture() {
    IOException thrown = new IOException("mine");
    CompletableFuture<Void> future =
        python.submit(
            session -> {
              throw thrown;
            });
    assertThat(TestPython.failure(future)).isSameAs(thrown);
    Error error = new AssertionError("mine");
    assertThat(
            TestPython.failure(
                python.submit(
                    session -> {
                      throw error;
                    })))
        .isSameAs(error);
    assertThat(call("total", 1L, 1L)).isEqualTo(2L);
  }

  @Test
  void callsFromTheOwnerThreadRunAtOnce() {
    Object result =
        python
            .submit(
                session -> {
                  CompletableFuture<Object> inner =
                      python.submit(s -> python.call(SAMPLES, "total", 1L, 2L).join());
                  assertThat(inner).isDone();
                  assertThat(TestPython.failure(python.call(SAMPLES, "exit_with", 1L)))
                      .isInstanceOf(PythonException.class);
                  return inner.join();
                })
            .join();
    assertThat(result).isEqualTo(3L);
  }

  @Test
  void callsRunInTheOrderOfTheirArrival() {
    List<Long> order = new ArrayList<>();
    List<CompletableFuture<?>> futures = new ArrayList<>();
    for (long i = 0; i < 50; i++) {
      long number = i;
      futures.add(
          python.submit(session -> order.add((Long) session.call(SAMPLES, "echo", number))));
    }
    futures.forEach(CompletableFuture::join);
    assertThat(order).isSorted().hasSize(50);
  }

  @Test
  void functionsAreRefusedOnOtherThreads() {
    PythonFunction total = python.submit(session -> session.function(SAMPLES, "total")).join();
    assertThatIllegalStateException()
        .isThrownBy(() -> total.call(1L, 2L))
        .withMessageContaining(Thread.currentThread().getName())
        .withMessageContaining("PythonTask");
  }

  @Test
  void waitingOnTheOwnerThreadForTheQueueIsRefused() throws Exception {
    CompletableFuture<CompletableFuture<Object>> queued = new CompletableFuture<>();
    CompletableFuture<Object> task =
        python.submit(
            session -> {
              CompletableFuture<Object> later = queued.get();
              assertThatIllegalStateException()
                  .isThrownBy(later::join)
                  .withMessageContaining("never end");
              assertThatIllegalStateException()
                  .isThrownBy(() -> later.get(1, TimeUnit.SECONDS))
                  .withMessageContaining("never end");
              return "refused";
            });
    queued.complete(python.call(SAMPLES, "total", 1L, 2L));
    assertThat(task.join()).isEqualTo("refused");
    assertThat(queued.join().join()).isEqualTo(3L);
  }

  @Test
  void callsFromManyThreadsAllRun() throws Exception {
    int threads = 64;
    long calls = 50;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Long>> sums = new ArrayList<>();
      for (long t = 0; t < threads; t++) {
        long number = t;
        sums.add(
            pool.submit(
                () -> {
                  long sum = 0;
                  for (long i = 0; i < calls; i++) {
                    if (i % 10 == 9) {
                      assertThat(failure("exit_with", i)).isInstanceOf(PythonException.class);
                    } else {
                      sum += (Long) call("total", number, i);
                    }
                  }
                  return sum;
                }));
      }
      for (int t = 0; t < threads; t++) {
        assertThat(sums.get(t).get(60, TimeUnit.SECONDS)).isEqualTo(45L * t + 1225 - 145);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  /** The owner thread is no virtual one; whoever waits for it may be. */
  @Test
  @EnabledForJreRange(minVersion = 21, disabledReason = "virtual threads came with Java 21")
  void callsFromVirtualThreadsAllRun() throws Exception {
    try (VirtualThreads threads = VirtualThreads.open()) {
      List<Future<Object>> sums = new ArrayList<>();
      for (long i = 0; i < 1_000; i++) {
        long number = i;
        sums.add(threads.submit(() -> call("total", number, number)));
      }
      for (int i = 0; i < sums.size(); i++) {
        assertThat(sums.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(2L * i);
      }
    }
  }

  @Test
  void closedHandlesRefuseCallsAndOthersGoOn() {
    PythonRuntime other = PythonRuntime.open(TestPython.config(backend()));
    other.close();
    other.close();
    assertThatIllegalStateException().isThrownBy(() -> other.call(SAMPLES, "nothing"));
    assertThatIllegalStateException().isThrownBy(() -> other.submit(session -> 1));
    if (python.capabilities().contains(Capability.TENSORS)) {
      assertThatIllegalStateException().isThrownBy(() -> other.scope("x"));
    }
    if (python.capabilities().contains(Capability.INTERRUPT)) {
      assertThatIllegalStateException().isThrownBy(other::interrupt);
    }
    assertThat(call("total", 1L, 1L)).isEqualTo(2L);
  }

  @Test
  void whatABackendLacksIsRefusedWithASentence() {
    Map<Capability, Executable> uses = new LinkedHashMap<>();
    uses.put(Capability.TENSORS, () -> python.scope("x"));
    uses.put(Capability.INTERRUPT, () -> python.interrupt());
    uses.put(
        Capability.STATEMENT_LIMIT,
        () -> PythonRuntime.open(limited(Limits.NONE.withStatements(1_000))).close());
    uses.put(
        Capability.HEAP_LIMIT,
        () -> PythonRuntime.open(limited(Limits.NONE.withHeapMiB(1_000))).close());
    uses.keySet().removeAll(python.capabilities());
    uses.forEach(
        (capability, use) -> {
          assertThatThrownBy(use::execute)
              .isInstanceOf(MissingCapabilityException.class)
              .hasMessageContaining(backend())
              .hasMessageContaining(capability.name())
              .extracting(e -> ((MissingCapabilityException) e).capability())
              .isEqualTo(capability);
        });
  }

  private PythonConfig limited(Limits limits) {
    PythonConfig config = TestPython.config(backend());
    return new PythonConfig(
        config.python(),
        config.backend(),
        config.environment(),
        config.modulePath(),
        limits,
        config.worker());
  }

  @Test
  void unknownBackendsAreRefused() {
    PythonConfig other =
        PythonConfig.builder(TestPython.executable()).backend("no-such-backend").build();
    assertThatThrownBy(() -> PythonRuntime.open(other))
        .isInstanceOf(PythonStartException.class)
        .hasMessageContaining("no-such-backend")
        .hasMessageContaining(backend());
  }

  @Test
  void deepRecursionOfNativeCodeFits() {
    assumeTrue(python.capabilities().contains(Capability.NATIVE_EXTENSIONS));
    assertThat(call("deep", 20_000L)).isEqualTo(40_002L);
    call("result_of", "sys.setrecursionlimit(1000)");
  }
}
