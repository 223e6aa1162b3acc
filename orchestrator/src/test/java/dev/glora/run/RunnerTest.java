package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.DirectSpec;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.TrainingSpec;
import dev.glora.files.AtomicFile;
import dev.glora.store.FinalRow;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole experiments on a tiny model, with real torch steps. */
class RunnerTest {
  @TempDir static Path temp;
  static Path material;
  static PythonRuntime python;
  static Path undisturbed;
  static Tiny.Counter listener;
  static List<RunOutcome> outcomes;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    material = Tiny.write(temp.resolve("material"));
    python = Tiny.python();
    undisturbed = temp.resolve("undisturbed");
    CancelToken cancel = new CancelToken();
    listener = new Tiny.Counter(cancel, -1);
    outcomes = Tiny.run(undisturbed, material, python, cancel, listener);
  }

  @AfterAll
  static void close() {
    python.close();
  }

  @Test
  void everyRunFinishesThroughItsStages() {
    assertThat(outcomes).extracting(RunOutcome::status).containsOnly(RunStatus.FINISHED);
    assertThat(listener.stages)
        .containsExactly(
            "download",
            "prepare",
            "features",
            "train",
            "merge:train",
            "test:train", //
            "download",
            "prepare",
            "train",
            "merge:train",
            "test:train", //
            "download",
            "prepare",
            "supernet",
            "score",
            "search", //
            "final:inherit",
            "merge:inherit",
            "test:inherit", //
            "final:finetune",
            "merge:finetune",
            "test:finetune", //
            "final:retrain",
            "merge:retrain",
            "test:retrain");
  }

  @Test
  void recordsHoldWhatTheReportsNeed() throws IOException {
    try (RunStore store = RunStore.open(undisturbed)) {
      for (RunRow run : store.runs()) {
        JsonNode sections = store.sections(run.id());
        assertThat(sections.fieldNames())
            .toIterable()
            .contains("environment", "data", "model", "parameters", "timings", "memory", "curve");
        assertThat(sections.at("/environment/fingerprint").asText()).hasSize(64);
        assertThat(sections.at("/data/rows/test").asInt()).isEqualTo(32);
        int finals = run.method().equals("glora") ? 3 : 1;
        assertThat(store.openings(run.id())).hasSize(finals);
        assertThat(store.finals(run.id())).hasSize(finals).filteredOn(FinalRow::primary).hasSize(1);
        for (FinalRow each : store.finals(run.id())) {
          assertThat(each.record().at("/metrics/test/accuracy").isNumber()).isTrue();
          assertThat(each.record().at("/merge/identical").asInt()).isEqualTo(32);
          assertThat(each.record().at("/digests/merged").asText()).hasSize(64);
        }
        Path folder = undisturbed.resolve(run.id());
        assertThat(store.artifacts(undisturbed).of(run.id()))
            .hasSizeGreaterThan(3 * finals)
            .allMatch(file -> store.artifacts(undisturbed).find(file.digest()).isPresent());
        assertThat(folder.resolve("report.md")).exists();
        assertThat(folder.resolve("experiment.json")).exists();
        assertThat(Files.readString(folder.resolve("run.log"))).contains("test:");
      }
    }
  }

  @Test
  void winnerMeetsTheLimitAndItsAdapterHoldsWhatIsCounted() {
    try (RunStore store = RunStore.open(undisturbed)) {
      String glora = glora(store);
      JsonNode parameters = store.section(glora, "parameters").orElseThrow();
      assertThat(parameters.path("folded").asLong()).isBetween(1L, 1400L);
      List<Trial> trials = store.trials(glora);
      assertThat(trials).hasSize(18).allMatch(trial -> trial.folded() <= 1400);
      assertThat(trials).extracting(Trial::codes).doesNotHaveDuplicates();
      double best = trials.stream().mapToDouble(Trial::loss).min().orElseThrow();
      JsonNode search = store.section(glora, "search").orElseThrow();
      assertThat(search.at("/best/loss").asDouble()).isEqualTo(best);
    }
  }

  @ParameterizedTest
  @CsvSource({"bfloat16, cpu", "autocast, auto"})
  void halfPrecisionIsTrainedMergedAndRecorded(String precision, String device) throws Exception {
    CancelToken cancel = new CancelToken();
    Path runs = temp.resolve(precision);
    List<PlannedRun> plan =
        Tiny.plan(
            material,
            "runtime.precision=" + precision,
            "runtime.device=" + device,
            "training.accumulate=2",
            "training.gradient_checkpointing=true",
            "methods.2.final=[finetune]");
    List<RunOutcome> done =
        Tiny.run(
            runs,
            material,
            python,
            cancel,
            new Tiny.Counter(cancel, -1),
            plan.stream().filter(run -> run.method().method().equals("glora")).toList());
    assertThat(done).extracting(RunOutcome::status).containsOnly(RunStatus.FINISHED);
    try (RunStore store = RunStore.open(runs)) {
      String glora = glora(store);
      assertThat(store.section(glora, "environment").orElseThrow().path("device").asText())
          .matches("cpu|cuda:\\d+|mps");
      JsonNode merge = store.finals(glora).get(0).record().path("merge");
      assertThat(merge.path("max_abs_diff").asDouble()).isPositive().isLessThan(0.256);
      JsonNode config =
          Json.MAPPER.readTree(
              Files.readAllBytes(runs.resolve(glora).resolve("final-finetune/model/config.json")));
      assertThat(config.path("dtype").asText())
          .isEqualTo(precision.equals("bfloat16") ? "bfloat16" : "float32");
    }
  }

  @Test
  void finishedRunsAreNotDoneAgain() throws IOException {
    CancelToken cancel = new CancelToken();
    Tiny.Counter again = new Tiny.Counter(cancel, -1);
    Tiny.run(undisturbed, material, python, cancel, again);
    assertThat(again.stages).isEmpty();
    assertThat(again.messages).hasSize(3).allMatch(line -> line.contains("finished already"));
  }

  @Test
  void equalExperimentsInAnotherFolderGiveEqualDigests() throws IOException {
    Path other = temp.resolve("other");
    CancelToken cancel = new CancelToken();
    Tiny.run(other, material, python, cancel, new Tiny.Counter(cancel, -1));
    assertThat(results(other)).isEqualTo(results(undisturbed));
  }

  @Test
  void interruptedExperimentEndsWithTheDigestsOfAnUninterruptedOne() throws IOException {
    Path runs = temp.resolve("interrupted");
    SplittableRandom random = new SplittableRandom(11);
    int interruptions = 0;
    while (true) {
      CancelToken cancel = new CancelToken();
      Tiny.Counter counter = new Tiny.Counter(cancel, 2 + random.nextInt(24));
      try {
        Tiny.run(runs, material, python, cancel, counter);
        break;
      } catch (GloraException e) {
        assertThat(e.code()).isEqualTo(ExitCode.INTERRUPTED);
        interruptions++;
      }
    }
    assertThat(interruptions).isGreaterThan(5);
    assertThat(results(runs)).isEqualTo(results(undisturbed));
    try (RunStore store = RunStore.open(runs)) {
      assertThat(store.openings(glora(store))).hasSize(3);
      assertThat(store.trials(glora(store))).hasSize(18);
    }
  }

  @Test
  void impossibleLimitIsRefusedBeforeAnythingIsTrained() {
    CancelToken cancel = new CancelToken();
    Tiny.Counter counter = new Tiny.Counter(cancel, -1);
    assertThatThrownBy(
            () ->
                Tiny.run(
                    temp.resolve("impossible"),
                    material,
                    python,
                    cancel,
                    counter,
                    "methods.2.min_parameters=1000000",
                    "methods.2.max_parameters=2000000"))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("this space reaches from 0 to")
        .satisfies(e -> assertThat(((GloraException) e).code()).isEqualTo(ExitCode.USAGE));
    assertThat(counter.stages).containsExactly("download", "prepare");
  }

  @Test
  void divergedRunFailsWithASentenceAndTheOthersAreDone() throws IOException {
    Path runs = temp.resolve("diverged");
    CancelToken cancel = new CancelToken();
    List<PlannedRun> plan =
        new ArrayList<>(Tiny.plan(material, "methods=[{method: lora, rank: 2}, {method: head}]"));
    plan.set(0, withRate(plan.get(0), 1e30));
    List<RunOutcome> ended =
        Tiny.run(runs, material, python, cancel, new Tiny.Counter(cancel, -1), plan);
    assertThat(ended)
        .extracting(RunOutcome::status)
        .containsExactly(RunStatus.FAILED, RunStatus.FINISHED);
    assertThat(ended.get(0).reason()).contains("diverged").contains("learning rate");
    assertThat(Files.readString(runs.resolve(plan.get(0).id()).resolve("run.log")))
        .contains("DivergedError")
        .contains("Traceback");
  }

  @Test
  void everyComparatorIsTrainedMergedAndTested() throws IOException {
    Path runs = temp.resolve("comparators");
    CancelToken cancel = new CancelToken();
    List<PlannedRun> plan =
        Tiny.plan(
            material,
            "methods=[{method: full, training: {learning_rate: 1e-3}}, {method: bitfit},"
                + " {method: majority}, {method: dora, rank: 2}, {method: ia3}, {method: ssf},"
                + " {method: adalora, rank: 1, initial_rank: 2},"
                + " {method: lora, label: biased, rank: 2, bias: all},"
                + " {method: glora, label: fixed, ranks: [2], structure: {B: lora, E: vector},"
                + " forms: {B: [lora], E: [vector]}},"
                + " {method: glora, label: drawn, structure: random, max_parameters: 900},"
                + " {method: glora, label: 'null', max_parameters: 1400, search: {shuffled: true,"
                + " population: 4, parents: 2, mutations: 2, crossovers: 2, generations: 1}}]");
    List<RunOutcome> ended =
        Tiny.run(runs, material, python, cancel, new Tiny.Counter(cancel, -1), plan);

    assertThat(ended).allSatisfy(run -> assertThat(run.reason()).isEmpty());
    try (RunStore store = RunStore.open(runs)) {
      Map<String, JsonNode> parameters = new TreeMap<>();
      for (PlannedRun run : plan) {
        List<FinalRow> finals = store.finals(run.id());
        assertThat(finals)
            .isNotEmpty()
            .allSatisfy(
                each -> {
                  assertThat(each.record().at("/merge/identical").asInt()).isEqualTo(32);
                  assertThat(each.record().at("/metrics/test/accuracy").isNumber()).isTrue();
                });
        parameters.put(run.method().label(), store.section(run.id(), "parameters").orElseThrow());
      }
      assertThat(parameters.get("majority").path("trainable").asLong()).isZero();
      JsonNode full = parameters.get("full");
      assertThat(full.path("trainable")).isEqualTo(full.path("total"));
      JsonNode adalora = parameters.get("adalora");
      assertThat(adalora.path("stored").asLong() - adalora.path("folded").asLong()).isEqualTo(12);
      assertThat(parameters.get("drawn").path("folded").asLong()).isBetween(1L, 900L);
    }
  }

  private static PlannedRun withRate(PlannedRun run, double rate) {
    DirectSpec spec = (DirectSpec) run.method();
    TrainingSpec training = new TrainingSpec(12, 8, 10, rate, 0, 0, 0, 0, 0, 5, 1, false);
    DirectSpec changed = new DirectSpec(spec.label(), training, spec.method(), spec.settings());
    return new PlannedRun(
        run.id(), run.key(), run.experiment(), changed, "", run.seed(), run.resolved());
  }

  @Test
  void secondProcessOnTheSameRunIsRefused() {
    Path runs = temp.resolve("locked");
    try (RunFolder held = RunFolder.lock(runs, "r")) {
      assertThat(held.path()).exists();
      assertThatThrownBy(() -> RunFolder.lock(runs, "r"))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("Another process works on the run r");
    }
  }

  @Test
  void harmedFilesAreMadeAgainAndGiveTheSameDigests() throws IOException {
    Path runs = temp.resolve("harmed");
    String only = "methods=[{method: lora, rank: 2, alpha: 4}]";
    String id = Tiny.plan(material, only).get(0).id();
    CancelToken first = new CancelToken();
    assertThatThrownBy(
            () -> Tiny.run(runs, material, python, first, new Tiny.Counter(first, 14), only))
        .isInstanceOf(GloraException.class);
    Path state = runs.resolve(id).resolve("state");
    try (var weights = Files.newDirectoryStream(state, "train-*.safetensors")) {
      for (Path file : weights) {
        Files.write(file, new byte[] {1, 2, 3});
      }
    }
    CancelToken second = new CancelToken();
    Tiny.run(runs, material, python, second, new Tiny.Counter(second, -1), only);
    assertThat(results(runs).get(id)).isEqualTo(results(undisturbed).get(id));
  }

  @ParameterizedTest
  @CsvSource({"train.json, 14", "train.json, 20", "stages/train.json, 20", "basis.json, 20"})
  void cutRecordsAreMadeAgainAndGiveTheSameDigests(String record, long calls) throws IOException {
    Path runs = temp.resolve("cut-" + record.replace('/', '-') + calls);
    String only = "methods=[{method: lora, rank: 2, alpha: 4}]";
    String id = Tiny.plan(material, only).get(0).id();
    CancelToken first = new CancelToken();
    assertThatThrownBy(
            () -> Tiny.run(runs, material, python, first, new Tiny.Counter(first, calls), only))
        .isInstanceOf(GloraException.class);
    Path file = runs.resolve(id).resolve("state").resolve(record);
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    CancelToken second = new CancelToken();
    Tiny.run(runs, material, python, second, new Tiny.Counter(second, -1), only);
    assertThat(results(runs).get(id)).isEqualTo(results(undisturbed).get(id));
  }

  @Test
  void runOfAnotherEnvironmentStartsAnew() throws IOException {
    Path runs = temp.resolve("moved");
    CancelToken first = new CancelToken();
    String only = "methods=[{method: lora, rank: 2}]";
    assertThatThrownBy(
            () -> Tiny.run(runs, material, python, first, new Tiny.Counter(first, 12), only))
        .isInstanceOf(GloraException.class);
    String id = Tiny.plan(material, only).get(0).id();
    Path basis = runs.resolve(id).resolve("state/basis.json");
    ObjectNode known = (ObjectNode) Json.parse(Files.readString(basis));
    Files.writeString(basis, Json.text(known.put("environment", "another machine")));
    CancelToken second = new CancelToken();
    Tiny.Counter counter = new Tiny.Counter(second, -1);
    Tiny.run(runs, material, python, second, counter, only);
    assertThat(counter.stages).startsWith("download", "prepare", "train", "merge:train");
    assertThat(counter.messages).anyMatch(line -> line.contains("starts anew"));
  }

  @Test
  void emptiedCacheIsFilledAgainAndGivesTheSameDigests() throws Exception {
    Path runs = temp.resolve("emptied");
    Path own = Tiny.write(temp.resolve("own"));
    String only = "methods=[{method: head, learning_rates: [1.0e-3, 3.0e-2]}]";
    CancelToken first = new CancelToken();
    assertThatThrownBy(() -> Tiny.run(runs, own, python, first, new Tiny.Counter(first, 14), only))
        .isInstanceOf(GloraException.class);
    AtomicFile.delete(own.resolve("cache"));
    CancelToken second = new CancelToken();
    Tiny.Counter counter = new Tiny.Counter(second, -1);
    Tiny.run(runs, own, python, second, counter, only);
    assertThat(counter.messages).isEmpty();
    assertThat(headRecord(runs)).isEqualTo(headRecord(undisturbed));
  }

  @Test
  void whereMemoryRunsOutBatchesAreCutAndThatIsRecorded() throws IOException {
    Path runs = temp.resolve("small");
    String only = "methods=[{method: lora, rank: 2, alpha: 4}]";
    CancelToken cancel = new CancelToken();
    Tiny.Counter counter = new Tiny.Counter(cancel, -1);
    python.call("small_memory", "hold", 3).join();
    List<RunOutcome> ended;
    try {
      ended = Tiny.run(runs, material, python, cancel, counter, only);
    } finally {
      python.call("small_memory", "hold", 0).join();
    }
    assertThat(ended).extracting(RunOutcome::status).containsExactly(RunStatus.FINISHED);
    // Of ten rows at most, the evaluation's: 10, then 5, then 2.
    assertThat(counter.messages)
        .filteredOn(line -> line.contains("gradients accumulated over micro-batches of"))
        .hasSize(2);
    String id = ended.get(0).run().id();
    try (RunStore store = RunStore.open(runs);
        RunStore plain = RunStore.open(undisturbed)) {
      JsonNode attempts = store.section(id, "attempts").orElseThrow();
      assertThat(attempts.path("micro_batch").asInt()).isEqualTo(2);
      assertThat(attempts.at("/failures/1/kind").asText()).isEqualTo("out-of-memory");
      JsonNode environment = store.section(id, "environment").orElseThrow();
      assertThat(environment.path("micro_batch").asInt()).isEqualTo(2);
      assertThat(environment.path("fingerprint"))
          .isNotEqualTo(plain.section(id, "environment").orElseThrow().path("fingerprint"));
      // The same gradients but for rounding: the first loss is the one without micro-batches.
      double first = store.section(id, "curve.train").orElseThrow().at("/0/1").asDouble();
      assertThat(plain.section(id, "curve.train").orElseThrow().at("/0/1").asDouble())
          .isCloseTo(first, within(0.2));
    }
  }

  private static String glora(RunStore store) {
    return store.runs().stream()
        .filter(run -> run.method().equals("glora"))
        .findFirst()
        .orElseThrow()
        .id();
  }

  private static JsonNode headRecord(Path runs) {
    try (RunStore store = RunStore.open(runs)) {
      String head =
          store.runs().stream()
              .filter(run -> run.method().equals("head"))
              .findFirst()
              .orElseThrow()
              .id();
      return store.finals(head).get(0).record();
    }
  }

  /** All finals of all runs: digests and metrics. */
  private static Map<String, String> results(Path runs) {
    Map<String, String> all = new TreeMap<>();
    try (RunStore store = RunStore.open(runs)) {
      for (RunRow run : store.runs()) {
        List<String> finals = new ArrayList<>();
        for (FinalRow each : store.finals(run.id())) {
          finals.add(each.mode() + each.record());
        }
        all.put(run.id(), finals + " " + store.section(run.id(), "curve.supernet"));
      }
    }
    return all;
  }
}
