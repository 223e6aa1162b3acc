package dev.glora.bridge.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.glora.bridge.DType;
import dev.glora.bridge.Limits;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.TensorStorage;
import dev.glora.bridge.TestPython;
import dev.glora.bridge.TimeLimitException;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.bridge.WorkerOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How workers end, and that nobody else does. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkerCrashTest {

  private static final String SAMPLES = "bridge_samples";

  @TempDir static Path folder;

  private static PythonRuntime open(Limits limits, WorkerOptions options) {
    PythonConfig config = TestPython.config("worker");
    return PythonRuntime.open(
        new PythonConfig(
            config.python(),
            config.backend(),
            config.environment(),
            config.modulePath(),
            limits,
            options));
  }

  private static PythonRuntime open() {
    String report = "-XX:ErrorFile=" + folder.resolve("crash.log");
    return open(Limits.NONE, WorkerOptions.DEFAULT.withJvmOptions(report));
  }

  private static CompletableFuture<Object> call(PythonRuntime python, String expression) {
    return python.call(SAMPLES, "result_of", expression);
  }

  private static WorkerDiedException death(CompletableFuture<?> future) {
    Throwable failure = TestPython.failure(future);
    assertThat(failure).isInstanceOf(WorkerDiedException.class);
    return (WorkerDiedException) failure;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "os.abort() | 134 | SIGABRT",
        "__import__('ctypes').string_at(1) | 134 | SIGSEGV",
        "os._exit(7) | 7 | status 7",
        "os.kill(os.getpid(), 9) | 137 | want of memory"
      })
  void itsEndIsToldAndAnotherStarts(String end, int status, String told) {
    PythonRuntime python = open();
    TensorScope scope = python.scope("kept");
    python.call(SAMPLES, "keep_function", scope.allocate("x", DType.F32, 4)).join();
    call(python, "print('last words')").join();
    CompletableFuture<Object> current = call(python, end);
    CompletableFuture<Object> queued = call(python, "1");
    WorkerDiedException death = death(current);
    assertThat(death.exitStatus()).isEqualTo(status);
    assertThat(death.lastLines()).contains("last words");
    assertThat(death.getMessage() + death.lastLines()).contains(told);
    assertThat(death(queued)).hasMessage(death.getMessage());
    assertThat(death(call(python, "1"))).hasMessage(death.getMessage());
    assertThat(python.interrupt()).isFalse();
    scope.close();
    python.close();
    try (PythonRuntime next = open()) {
      assertThat(call(next, "1 + 1").join()).isEqualTo(2L);
    }
  }

  @Test
  void deathBetweenTwoCallsIsToldToTheNext() throws Exception {
    try (PythonRuntime python = open()) {
      ProcessHandle process = ProcessHandle.of(python.info().pid()).orElseThrow();
      CompletableFuture<Object> task =
          python.submit(
              session -> {
                session.call(SAMPLES, "nothing");
                process.destroyForcibly();
                process.onExit().join();
                return session.call(SAMPLES, "nothing");
              });
      assertThat(death(task).exitStatus()).isEqualTo(137);
    }
  }

  @Test
  void aWorkerThatIsStoppedIsMissedAndItsEndIsTold() throws Exception {
    WorkerOptions options = WorkerOptions.DEFAULT.withSilence(Duration.ofSeconds(2));
    try (PythonRuntime python = open(Limits.NONE, options)) {
      // Long native work that keeps the interpreter's lock is no silence.
      call(python, "__import__('ctypes').PyDLL(None).usleep(2500000)").join();
      CompletableFuture<Object> current = call(python, "__import__('time').sleep(1000)");
      String pid = Long.toString(python.info().pid());
      assertThat(new ProcessBuilder("kill", "-STOP", pid).start().waitFor()).isZero();
      assertThat(death(current)).hasMessageContaining("it gave no sign of life for 2");
    }
  }

  /** A pipe that outlives the process, in a child of it, keeps nobody waiting. */
  @Test
  void whatTheWorkerStartedKeepsNobodyWaiting() {
    try (PythonRuntime python = open()) {
      Object child = call(python, "os.fork() or __import__('time').sleep(20)").join();
      assertThat(death(call(python, "os._exit(1)")).exitStatus()).isEqualTo(1);
      ProcessHandle.of((Long) child).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "__import__('time').sleep(1000)",
        "__import__('ctypes').PyDLL(None).sleep(1000)" // It keeps the interpreter's lock.
      })
  void whatDoesNotHeedItsTimeLimitIsKilled(String endless) {
    Limits limits = Limits.NONE.withTime(Duration.ofMillis(300));
    WorkerOptions options = WorkerOptions.DEFAULT.withKillAfter(Duration.ofMillis(200));
    try (PythonRuntime python = open(limits, options)) {
      Throwable failure = TestPython.failure(call(python, endless));
      assertThat(failure).isInstanceOf(TimeLimitException.class).hasMessageContaining("300 ms");
      assertThat(failure)
          .hasCauseInstanceOf(WorkerDiedException.class)
          .cause()
          .hasMessageContaining("after its time limit");
    }
  }

  @Test
  void theHeapLimitEndsTheWorker() {
    try (PythonRuntime python = open(Limits.NONE.withHeapMiB(32), WorkerOptions.DEFAULT)) {
      assertThat(death(call(python, "list(range(10 ** 7))")).lastLines())
          .anyMatch(line -> line.contains("OutOfMemoryError"));
    }
  }

  @Test
  void signalsOfTheTerminalAreTheParents() throws Exception {
    try (PythonRuntime python = open()) {
      String pid = Long.toString(python.info().pid());
      for (String signal : List.of("-INT", "-HUP")) {
        assertThat(new ProcessBuilder("kill", signal, pid).start().waitFor()).isZero();
      }
      Thread.sleep(100);
      assertThat(call(python, "1 + 1").join()).isEqualTo(2L);
    }
  }

  @Test
  void whatIsWrittenToItsStreamsDisturbsNothing() {
    try (PythonRuntime python = open()) {
      assertThat(call(python, "os.write(1, b'one\\n') + os.write(2, b'two\\n')").join())
          .isEqualTo(8L);
      assertThat(call(python, "os.read(0, 10) == b''").join()).isEqualTo(true);
      assertThat(death(call(python, "os.abort()")).lastLines()).contains("one", "two");
    }
  }

  @Test
  void whatIsWrittenBetweenTheFramesEndsTheWorker() {
    try (PythonRuntime python = open()) {
      assertThat(death(call(python, "os.write(3, b'anything at all')")))
          .hasMessageContaining("protocol")
          .hasMessageContaining("616e7974");
    }
  }

  @Test
  void openingAndClosingLeavesNothingBehind() throws Exception {
    open().close();
    long descriptors = descriptors();
    for (int round = 0; round < 4; round++) {
      PythonRuntime python = open();
      CompletableFuture<Object> accepted = call(python, "1 + 1");
      if (round == 3) {
        death(call(python, "os._exit(0)"));
      }
      python.close();
      assertThat(accepted.join()).isEqualTo(2L);
      assertThat(ProcessHandle.of(python.info().pid())).isEmpty();
    }
    List<String> threads = List.of();
    for (int i = 0; i < 100; i++) { // Threads end a moment after what they did.
      threads =
          Thread.getAllStackTraces().keySet().stream()
              .map(Thread::getName)
              .filter(name -> name.startsWith("python-worker"))
              .toList();
      if (threads.isEmpty() && descriptors() <= descriptors) {
        break;
      }
      Thread.sleep(50);
    }
    assertThat(threads).isEmpty();
    assertThat(descriptors()).isLessThanOrEqualTo(descriptors);
    assertThat(ProcessHandle.current().children()).isEmpty();
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  @Test
  void aWorkerAndItsFilesDoNotOutliveTheirParent() throws Exception {
    Process parent = start("work");
    List<String> told = new ArrayList<>();
    try (BufferedReader lines = parent.inputReader(StandardCharsets.UTF_8)) {
      while (told.size() < 2) {
        String line = lines.readLine();
        assertThat(line).as("after %s", told).isNotNull();
        if (line.startsWith("> ")) {
          told.add(line.substring(2));
        }
      }
    }
    ProcessHandle worker = ProcessHandle.of(Long.parseLong(told.get(0))).orElseThrow();
    Path file = Path.of(told.get(1));
    parent.destroyForcibly().waitFor();
    worker.onExit().get(20, TimeUnit.SECONDS);
    assertThat(file).exists();
    assertThat(start("sweep").waitFor()).isZero();
    assertThat(file.getParent()).doesNotExist();
  }

  private static Process start(String what) throws IOException {
    return new ProcessBuilder(
            WorkerOptions.DEFAULT.java().toString(),
            "-Dglora.root=" + System.getProperty("glora.root"),
            "-cp",
            System.getProperty("java.class.path"),
            Parent.class.getName(),
            what)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  @Test
  void aWrongJavaIsASentence() {
    assertThat(
            failedStart(
                TestPython.executable(),
                new WorkerOptions("jep", folder.resolve("java"), List.of(), Duration.ZERO)))
        .hasMessageContaining("There is no Java at " + folder.resolve("java"));
    assertThat(
            failedStart(
                TestPython.executable(),
                new WorkerOptions("jep", Path.of("/bin/false"), List.of(), Duration.ZERO)))
        .hasMessageContaining("/bin/false")
        .hasMessageContaining("status 1");
    assertThat(
            failedStart(
                TestPython.executable(), WorkerOptions.DEFAULT.withJvmOptions("-XX:NoSuchOption")))
        .hasMessageContaining("NoSuchOption");
  }

  @Test
  void aStartThatFailsIsTheWorkersSentence() {
    assertThat(failedStart(folder.resolve("python"), WorkerOptions.DEFAULT))
        .hasMessageStartingWith("There is no Python at " + folder.resolve("python"));
    assertThat(
            failedStart(
                TestPython.executable(), WorkerOptions.DEFAULT.withBackend("no-such-backend")))
        .hasMessageContaining("no-such-backend")
        .hasMessageContaining("jep");
    assertThat(ProcessHandle.current().children()).isEmpty();
  }

  private static PythonStartException failedStart(Path python, WorkerOptions options) {
    PythonConfig config = PythonConfig.builder(python).backend("worker").worker(options).build();
    return catchThrowableOfType(PythonStartException.class, () -> PythonRuntime.open(config));
  }

  /** A process with a worker that is busy in native code, or that sweeps. */
  static final class Parent {

    private Parent() {}

    @SuppressWarnings("SystemOut") // It is how its parent hears of it.
    public static void main(String[] args) {
      if (args[0].equals("sweep")) {
        TensorScope.open("any", ids -> Set.of(), TensorScope.Placement.SHARED)
            .allocate("any", DType.I8, 1);
        return;
      }
      PythonRuntime python = open(Limits.NONE, WorkerOptions.DEFAULT);
      TensorScope scope = python.scope("left");
      System.out.println("> " + python.info().pid());
      System.out.println("> " + file(scope));
      call(python, "__import__('ctypes').PyDLL(None).sleep(1000)").join();
    }

    private static Path file(TensorScope scope) {
      return ((TensorStorage.MappedFile) scope.allocate("left", DType.I8, 1).storage()).file();
    }
  }
}
