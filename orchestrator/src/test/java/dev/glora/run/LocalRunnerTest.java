package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.GloraException;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.FinalRow;
import dev.glora.store.Lease;
import dev.glora.store.RunEvent;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs in worker processes, with real torch steps: what they give does not depend on how many there
 * are, nor on what becomes of them.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LocalRunnerTest {
  private static final Duration BEAT = Duration.ofMillis(50);
  private static final String SEARCH = "search";

  @TempDir static Path temp;
  static Path material;
  static List<PlannedRun> plan;

  /** Of one worker. */
  static Map<String, String> expected;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    material = Tiny.write(temp.resolve("material"));
    plan = Tiny.plan(material, "methods.glora.final=[inherit]", "methods.glora.primary=inherit");
    try (var python = Tiny.python()) {
      Path runs = temp.resolve("inline");
      CancelToken cancel = new CancelToken();
      Tiny.run(runs, material, python, cancel, new Tiny.Counter(cancel, -1), plan);
      expected = results(runs);
    }
  }

  /** Does something once, at a step of a stage of some run; told of any number of runs at once. */
  private static final class At implements RunListener {
    private final String stage;
    private final AtomicInteger left;
    private final Runnable action;
    private final List<String> messages = Collections.synchronizedList(new ArrayList<>());
    private volatile String now = "";

    private At(String stage, int step, Runnable action) {
      this.stage = stage;
      this.left = new AtomicInteger(step);
      this.action = action;
    }

    @Override
    public void stage(String run, String newStage, long total) {
      now = newStage;
    }

    @Override
    public void advance(long done, String note) {
      if (now.equals(stage) && left.decrementAndGet() == 0) {
        action.run();
      }
    }

    @Override
    public void message(String line) {
      messages.add(line);
    }

    @Override
    public RunListener of(String run) {
      At outer = this;
      return new RunListener() {
        private volatile String own = "";

        @Override
        public void stage(String of, String newStage, long total) {
          own = newStage;
        }

        @Override
        public void advance(long done, String note) {
          if (own.equals(outer.stage) && outer.left.decrementAndGet() == 0) {
            outer.action.run();
          }
        }

        @Override
        public void message(String line) {
          outer.messages.add(line);
        }
      };
    }
  }

  private static At quiet() {
    return new At("", 0, () -> {});
  }

  private static Workers workers(int count) {
    return Workers.local(
        Device.deal(count, List.of(Device.CPU)),
        threads ->
            PythonConfig.builder(Tiny.EXECUTABLE)
                .modulePath(Tiny.ROOT.resolve("python-runtime/src"))
                .environment("OMP_NUM_THREADS", String.valueOf(threads))
                .environment("MKL_NUM_THREADS", String.valueOf(threads))
                .environment("HF_HUB_OFFLINE", "1"));
  }

  private static List<RunOutcome> run(
      RunStore store, Path runs, int count, Duration patience, At listener, List<PlannedRun> runsOf)
      throws IOException {
    Files.createDirectories(runs);
    RunnerOptions options =
        new RunnerOptions(
            OptionalInt.empty(), Optional.empty(), OptionalInt.empty(), Optional.of(patience));
    try (Workers workers = workers(count)) {
      return new ExperimentRunner(
              store,
              runs,
              material.resolve("cache"),
              workers,
              options,
              listener,
              new CancelToken(),
              BEAT)
          .run(runsOf);
    }
  }

  private static List<RunOutcome> run(Path runs, int count, At listener, List<PlannedRun> runsOf)
      throws IOException {
    Files.createDirectories(runs);
    try (RunStore store = RunStore.open(runs)) {
      return run(store, runs, count, Duration.ofSeconds(60), listener, runsOf);
    }
  }

  private static List<PlannedRun> glora() {
    return plan.stream().filter(run -> run.method().label().equals("glora")).toList();
  }

  /** Digests and metrics of all finals, and every evaluation in its place. */
  private static Map<String, String> results(Path runs) {
    Map<String, String> all = new TreeMap<>();
    try (RunStore store = RunStore.open(runs)) {
      for (RunRow run : store.runs()) {
        List<String> finals = new ArrayList<>();
        for (FinalRow each : store.finals(run.id())) {
          finals.add(each.mode() + each.record());
        }
        List<Trial> trials = store.trials(run.id());
        all.put(run.id(), finals + " " + trials + " " + store.section(run.id(), SEARCH));
        assertThat(store.leases().of(run.id())).as("leases left").isEmpty();
        assertThat(run.status()).isEqualTo(RunStatus.FINISHED);
      }
    }
    return all;
  }

  private static Map<String, String> expectedOf(List<PlannedRun> runs) {
    Map<String, String> own = new TreeMap<>(expected);
    own.keySet().retainAll(runs.stream().map(PlannedRun::id).toList());
    return own;
  }

  private static List<String> kinds(Path runs, String run) {
    try (RunStore store = RunStore.open(runs)) {
      return store.events(run).stream().map(RunEvent::kind).toList();
    }
  }

  /** The worker processes of this JVM. */
  private static List<ProcessHandle> processes() {
    return ProcessHandle.current()
        .descendants()
        .filter(each -> each.info().commandLine().orElse("").contains("glora-worker"))
        .toList();
  }

  private static void signal(String signal, List<ProcessHandle> processes) {
    for (ProcessHandle each : processes) {
      try {
        new ProcessBuilder("kill", "-" + signal, Long.toString(each.pid())).start().waitFor();
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static void awaitProcesses(int count) {
    while (processes().size() < count) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  @Test
  void runsOnSeveralWorkersGiveWhatOneProcessGives() throws IOException {
    Path runs = temp.resolve("two");
    List<String> refused = new ArrayList<>();
    // A second coordinator on the same folder is told so, and changes nothing.
    At second =
        new At(
            "supernet",
            3,
            () -> {
              try {
                run(runs, 1, quiet(), glora());
              } catch (GloraException | IOException e) {
                refused.add(e.getMessage());
              }
            });
    assertThat(run(runs, 2, second, plan))
        .extracting(outcome -> outcome.run().id())
        .containsExactlyElementsOf(plan.stream().map(PlannedRun::id).toList());
    assertThat(results(runs)).isEqualTo(expected);
    assertThat(refused)
        .singleElement()
        .asString()
        .contains("Another process works on the run " + glora().get(0).id());
    assertThat(processes()).isEmpty();
  }

  // WorkerKillTest kills some of them in each build.
  @Test
  @Tag("slow")
  void aSearchWhoseWorkersAreAllKilledEndsAsAnUndisturbedOne() throws IOException {
    Path runs = temp.resolve("killed");
    At killer =
        new At(
            SEARCH,
            5,
            () -> {
              awaitProcesses(2);
              signal("KILL", processes());
            });
    run(runs, 2, killer, glora());
    assertThat(results(runs)).isEqualTo(expectedOf(glora()));
    String id = glora().get(0).id();
    assertThat(kinds(runs, id)).contains("RETRY");
    try (RunStore store = RunStore.open(runs)) {
      JsonNode failures = store.section(id, "attempts").orElseThrow().path("failures");
      assertThat(failures).hasSize(1);
      assertThat(failures.get(0).path("kind").asText()).isEqualTo("worker-died");
      assertThat(failures.get(0).path("reason").asText()).contains("SIGKILL");
    }
    assertThat(killer.messages).anyMatch(line -> line.contains("attempt 2 of 3 in 1 s"));
  }

  @Test
  void aFrozenWorkerIsEndedAndItsWorkIsDoneByAnother() throws IOException {
    Path runs = temp.resolve("frozen");
    At freezer = new At("supernet", 6, () -> signal("STOP", processes()));
    try (RunStore store = RunStore.open(runs)) {
      run(store, runs, 1, Duration.ofSeconds(8), freezer, glora());
      String id = glora().get(0).id();
      JsonNode failure = store.section(id, "attempts").orElseThrow().at("/failures/0");
      assertThat(failure.path("kind").asText()).isEqualTo("worker-hung");
      assertThat(failure.path("reason").asText())
          .contains("The worker worker-1 has made no step for")
          .contains("counts as hung");
    }
    assertThat(results(runs)).isEqualTo(expectedOf(glora()));
    assertThat(processes()).isEmpty();
  }

  @Test
  void aWorkerKilledWhileItWritesLeavesNothingHalf() throws IOException {
    Path runs = temp.resolve("writing");
    List<PlannedRun> lora =
        plan.stream().filter(run -> run.method().label().equals("lora")).toList();
    Path state = runs.resolve(lora.get(0).id()).resolve("state");
    AtomicInteger hits = new AtomicInteger();
    Thread killer =
        new Thread(
            () -> {
              while (hits.get() == 0) {
                String[] files = state.toFile().list();
                if (files != null && List.of(files).stream().anyMatch(f -> f.contains(".tmp"))) {
                  signal("KILL", processes());
                  hits.incrementAndGet();
                }
              }
            });
    killer.setDaemon(true);
    killer.start();
    run(runs, 1, quiet(), lora);
    assertThat(hits.get()).isEqualTo(1);
    assertThat(results(runs)).isEqualTo(expectedOf(lora));
    assertThat(kinds(runs, lora.get(0).id())).contains("RETRY");
    assertThat(state.toFile().list()).noneMatch(file -> file.contains(".tmp"));
  }

  @Test
  void aLateWorkerChangesNothingOfWhatAnotherHasDone() throws IOException {
    Path late = temp.resolve("late");
    Path other = temp.resolve("other");
    List<PlannedRun> glora = glora();
    String id = glora.get(0).id();
    try (RunStore store = RunStore.open(late)) {
      // Another process, with the store and not the folder in common, finds it silent for too long.
      At takeover =
          new At(
              SEARCH,
              4,
              () -> {
                Lease held = store.leases().holder(id).orElseThrow();
                assertThat(store.leases().revoke(held)).isTrue();
                try (PythonRuntime python = Tiny.python()) {
                  Path cache = material.resolve("cache");
                  new ExperimentRunner(store, other, cache, python, quiet(), new CancelToken())
                      .run(glora);
                }
              });
      List<RunOutcome> ended = run(store, late, 1, Duration.ofSeconds(60), takeover, glora);
      assertThat(ended.get(0).reason()).contains("has lost " + id + " to another");
      List<RunEvent> after = store.events(id);
      assertThat(after.get(after.size() - 1).kind()).isEqualTo("FINISHED");
      assertThat(store.trials(id)).hasSize(18);
    }
    assertThat(results(late)).isEqualTo(expectedOf(glora));
  }
}
