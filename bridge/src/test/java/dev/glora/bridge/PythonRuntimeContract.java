package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What calls must do on every backend: values, errors, tasks, handles. A backend's test extends
 * this and names itself.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class PythonRuntimeContract {

  protected static final String SAMPLES = "bridge_samples";

  protected PythonRuntime python;

  /** Returns the backend's name. */
  protected abstract String backend();

  @BeforeAll
  void open() {
    python = PythonRuntime.open(TestPython.config(backend()));
  }

  @AfterAll
  void close() {
    python.close();
  }

  protected Object call(String function, Object... args) {
    return python.call(SAMPLES, function, args).join();
  }

  protected Throwable failure(String function, Object... args) {
    return TestPython.failure(python.call(SAMPLES, function, args));
  }

  private PythonException error(String function, Object... args) {
    Throwable failure = failure(function, args);
    assertThat(failure).isInstanceOf(PythonException.class);
    return (PythonException) failure;
  }

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
  void scalarsCrossBothWays() {
    for (Object value :
        new Object[] {
          null,
          true,
          false,
          0L,
          Long.MIN_VALUE,
          Long.MAX_VALUE,
          -0.0,
          2.5,
          Double.NaN,
          Double.NEGATIVE_INFINITY,
          "",
          "é\0😀 zwölf"
        }) {
      assertThat(call("echo", value)).isEqualTo(value);
    }
    assertThat(call("total", 2L, 3L)).isEqualTo(5L);
    assertThat(call("half", 5.0)).isEqualTo(2.5);
    assertThat(call("nothing")).isNull();
    assertThat(call("echo", 3)).isEqualTo(3L);
    assertThat(call("echo", 2.5f)).isEqualTo(2.5);
  }

  @Test
  void bytesCrossBothWays() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    assertThat((byte[]) call("echo", (Object) all)).isEqualTo(all);
    assertThat((byte[]) call("echo", (Object) new byte[0])).isEmpty();
    assertThat(call("kinds", (Object) all)).isEqualTo("bytes");
  }

  @Test
  void collectionsArriveInPythonAsRealDictAndList() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("z", 1L);
    map.put("a", Arrays.asList(1.5, null, "x", true, List.of(), Map.of()));
    map.put("deep", Map.of("b", List.of(new byte[] {1}, Map.of("c", List.of(2L)))));
    Map<String, Object> kinds = new LinkedHashMap<>();
    kinds.put("z", "int");
    kinds.put("a", List.of("float", "NoneType", "str", "bool", List.of(), Map.of()));
    kinds.put("deep", Map.of("b", List.of("bytes", Map.of("c", List.of("int")))));
    assertThat(call("kinds", map)).isEqualTo(kinds);
    assertThat(((Map<?, ?>) call("echo", map)).keySet().toArray())
        .containsExactly("z", "a", "deep");
  }

  @Test
  void collectionsArriveInJavaInOrder() {
    Object result = call("results");
    assertThat(result).isInstanceOf(LinkedHashMap.class);
    Map<?, ?> map = (Map<?, ?>) result;
    assertThat(map.keySet().toArray()).containsExactly("z", "a", "nested");
    List<?> tuple = (List<?>) map.get("a");
    assertThat(tuple).isInstanceOf(ArrayList.class);
    assertThat(tuple.subList(0, 3)).isEqualTo(List.of(1L, 2.5, "é\0😀"));
    assertThat((byte[]) tuple.get(3)).containsExactly(0, -1);
    assertThat(tuple.get(4)).isNull();
    assertThat(tuple.get(5)).isEqualTo(true);
    assertThat(map.get("nested"))
        .isEqualTo(
            List.of(
                Map.of(
                    "deep",
                    List.of(
                        List.of(),
                        Map.of(),
                        Long.MIN_VALUE,
                        Long.MAX_VALUE,
                        Double.POSITIVE_INFINITY))));
  }

  @Test
  void resultsThatCannotCrossAreNamed() {
    assertThat(error("result_of", "{'a': [1, {2}]}").message())
        .contains("returned set at ['a'][1]")
        .contains("bridge_samples.result_of");
    assertThat(error("result_of", "2 ** 63").message()).contains("64 bits");
    assertThat(error("result_of", "{1: 2}").message()).contains("key of type int");
    assertThat(error("result_of", "object()").type()).isEqualTo("TypeError");
  }

  @Test
  void argumentsThatCannotCrossAreNamed() {
    assertThat(failure("echo", Thread.currentThread()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.Thread");
    assertThat(failure("echo", Map.of(1L, 2L)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("only strings are keys");
    assertThat(failure("echo", "half \ud800 pair"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("index 5");
    assertThat(call("echo", 1L)).isEqualTo(1L);
  }

  @Test
  void exceptionsKeepTypeMessageNotesFramesAndCauses() {
    PythonException e = error("raise_chain");
    assertThat(e.type()).isEqualTo("ValueError");
    assertThat(e.message()).isEqualTo("('outer', 7)");
    assertThat(e.getMessage()).isEqualTo("ValueError: ('outer', 7)");
    assertThat(e.notes()).containsExactly("first note", "second note");
    assertThat(e.traceback())
        .contains("raise error from outer")
        .contains("direct cause")
        .contains("KeyError: 'missing'")
        .contains("first note")
        .doesNotContain("trampoline");
    assertThat(e.frames()).hasSize(1);
    assertThat(e.frames().get(0).function()).isEqualTo("raise_chain");
    assertThat(e.frames().get(0).file()).endsWith("bridge_samples.py");
    assertThat(e.frames().get(0).line()).isPositive();
    assertThat(e.getStackTrace()[0].getMethodName()).isEqualTo("raise_chain");
    PythonException file = e.pythonCause().orElseThrow();
    assertThat(file.type()).isEqualTo("FileNotFoundError");
    assertThat(file.message()).isEqualTo("[Errno 2] No such file: '/x'");
    PythonException key = file.pythonCause().orElseThrow();
    assertThat(key.type()).isEqualTo("KeyError");
    assertThat(key.pythonCause()).isEmpty();
    assertThat(e.getCause()).isSameAs(file);
    assertThat(e.group()).isEmpty();
  }

  @Test
  void exceptionsRaisedWhileHandlingKeepTheFirst() {
    PythonException e = error("raise_while_handling");
    assertThat(e.type()).isEqualTo("TypeError");
    assertThat(e.pythonCause()).isEmpty();
    assertThat(e.pythonContext().orElseThrow().type()).isEqualTo("KeyError");
    assertThat(e.getCause()).isSameAs(e.pythonContext().orElseThrow());
  }

  @Test
  void suppressedContextsAreKeptAndNotShown() {
    PythonException e = error("raise_from_none");
    assertThat(e.pythonCause()).isEmpty();
    assertThat(e.pythonContext().orElseThrow().type()).isEqualTo("KeyError");
    assertThat(e.getCause()).isNull();
    assertThat(e.traceback()).doesNotContain("KeyError");
  }

  @Test
  void groupsKeepTheirParts() {
    PythonException e = error("raise_group");
    assertThat(e.type()).isEqualTo("ExceptionGroup");
    assertThat(e.group())
        .extracting(PythonException::type)
        .containsExactly("KeyError", "ExceptionGroup");
    PythonException inner = e.group().get(1);
    assertThat(inner.group()).extracting(PythonException::message).containsExactly("deep");
    assertThat(inner.group().get(0).pythonCause().orElseThrow().type()).isEqualTo("OSError");
  }

  @Test
  void exceptionsThatGoInCirclesArrive() {
    PythonException e = error("raise_circle");
    assertThat(e.type()).isEqualTo("ValueError");
    assertThat(e.pythonCause().orElseThrow().type()).isEqualTo("TypeError");
    assertThat(e.pythonCause().orElseThrow().pythonCause()).isEmpty();
  }

  @Test
  void oddExceptionsArriveToo() {
    assertThat(error("raise_unprintable").type()).isEqualTo("bridge_samples.Unprintable");
    assertThat(error("raise_undecodable").message()).isEqualTo("bad \\udcff name");
    PythonException recursion = error("recurse", 0L);
    assertThat(recursion.type()).isEqualTo("RecursionError");
    assertThat(recursion.frames()).hasSizeBetween(100, 500);
  }

  @Test
  void exitEndsTheCallAndNotTheProcess() {
    PythonException e = error("exit_with", 3L);
    assertThat(e.type()).isEqualTo("SystemExit");
    assertThat(e.message()).isEqualTo("3");
    assertThat(call("total", 1L, 1L)).isEqualTo(2L);
  }

  @Test
  void missingModulesAndFunctionsAreErrors() {
    Throwable module = TestPython.failure(python.call("no_such_module", "f"));
    assertThat(((PythonException) module).type()).isEqualTo("ModuleNotFoundError");
    assertThat(error("no_such_function").type()).isEqualTo("AttributeError");
    assertThat(error("kept").message()).contains("cannot be called");
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory_error", "memory_wrapped"})
  void outOfMemoryHasItsOwnType(String function) {
    Throwable e = failure(function);
    assertThat(e).isInstanceOf(OutOfDeviceMemoryException.class);
    assertThat(e.getCause()).isInstanceOf(PythonException.class);
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
