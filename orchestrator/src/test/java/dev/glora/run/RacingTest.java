package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.search.RowScores;
import dev.glora.store.RacedTrial;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Searches on a tiny model whose evaluations are raced, with real torch steps. */
class RacingTest {
  private static final String[] COMMON = {
    "methods.glora.final=[inherit]",
    "methods.glora.primary=inherit",
    "methods.glora.search.population=8",
    "methods.glora.search.parents=3",
    "methods.glora.search.generations=3",
    "training.eval_batch_size=6"
  };
  private static final String[] RACED = {
    "methods.glora.search.racing.test=paired",
    "methods.glora.search.racing.level=0.4",
    "methods.glora.search.racing.least_rows=6"
  };

  @TempDir static Path temp;
  static Path material;
  static PythonRuntime python;

  /** Complete evaluations of the same search without racing, in a store of their own. */
  static List<Trial> full;

  static Path raced;
  static PlannedRun racedRun;

  @BeforeAll
  static void runBoth() throws Exception {
    material = Tiny.write(temp.resolve("material"));
    python = Tiny.python();
    Path plain = temp.resolve("plain");
    PlannedRun fullRun = run(plain, new CancelToken(), -1);
    raced = temp.resolve("raced");
    racedRun = run(raced, new CancelToken(), -1, RACED);
    try (RunStore store = RunStore.open(plain)) {
      full = store.trials(fullRun.id());
      assertThat(store.racedOf(fullRun.id())).isEmpty();
    }
  }

  @AfterAll
  static void close() {
    python.close();
  }

  private static PlannedRun run(Path runs, CancelToken cancel, long after, String... more)
      throws Exception {
    String[] overrides = Stream.of(COMMON, more).flatMap(Arrays::stream).toArray(String[]::new);
    List<PlannedRun> plan =
        Tiny.plan(material, overrides).stream()
            .filter(run -> run.method().label().equals("glora"))
            .toList();
    List<RunOutcome> outcomes =
        Tiny.run(runs, material, python, cancel, new Tiny.Counter(cancel, after), plan);
    assertThat(outcomes).extracting(RunOutcome::status).containsOnly(RunStatus.FINISHED);
    return plan.get(0);
  }

  private static Map<String, List<Double>> numbers(List<Trial> trials) {
    Map<String, List<Double>> numbers = new HashMap<>();
    trials.forEach(t -> numbers.put(t.codes(), List.of(t.accuracy(), t.loss())));
    return numbers;
  }

  @Test
  void someEvaluationsAreStoppedAndTheOthersHaveTheBitsOfAFullEvaluation() {
    try (RunStore store = RunStore.open(raced)) {
      List<RacedTrial> stopped = store.racedOf(racedRun.id());
      assertThat(stopped).isNotEmpty();
      assertThat(stopped).allMatch(trial -> trial.seen() >= 6 && trial.seen() < 32);
      List<Trial> complete = store.trials(racedRun.id());
      assertThat(complete.size() + stopped.size()).isEqualTo(8 + 3 * 8);
      Map<String, List<Double>> known = numbers(full);
      int common = 0;
      for (Trial trial : complete) {
        if (known.containsKey(trial.codes())) {
          common++;
          assertThat(List.of(trial.accuracy(), trial.loss())).isEqualTo(known.get(trial.codes()));
        }
      }
      assertThat(common).isGreaterThanOrEqualTo(8);
    }
  }

  @Test
  void aStoppedEvaluationIsNeverTakenForACompleteOne() throws Exception {
    PlannedRun after = run(raced, new CancelToken(), -1);
    try (RunStore store = RunStore.open(raced)) {
      List<RacedTrial> stopped = store.racedOf(racedRun.id());
      List<String> codes = stopped.stream().map(RacedTrial::codes).toList();
      for (RacedTrial trial : stopped) {
        assertThat(store.trial(trial.raceKey())).isEmpty();
        assertThat(store.rowScores(trial.raceKey())).isEmpty();
      }
      assertThat(store.trials(racedRun.id()))
          .extracting(Trial::codes)
          .doesNotContainAnyElementsOf(codes);
      // The search without racing, in the raced one's store, finds what it finds in its own.
      assertThat(numbers(store.trials(after.id()))).isEqualTo(numbers(full));
      assertThat(store.trials(after.id()))
          .extracting(Trial::codes)
          .containsExactlyElementsOf(full.stream().map(Trial::codes).toList());
      for (Trial trial : store.trials(after.id())) {
        RowScores scores = RowScores.ofBytes(store.rowScores(trial.cacheKey()).orElseThrow());
        assertThat(scores.seen()).isEqualTo(32);
        assertThat(scores.accuracy()).isEqualTo(trial.accuracy());
      }
    }
  }

  @Test
  void anInterruptedRaceEndsAsAnUndisturbedOne() throws Exception {
    Path runs = temp.resolve("interrupted");
    for (long after : new long[] {40, 25, 18}) {
      CancelToken cancel = new CancelToken();
      try {
        run(runs, cancel, after, RACED);
      } catch (dev.glora.GloraException e) {
        assertThat(cancel.cancelled()).isTrue();
      }
    }
    run(runs, new CancelToken(), -1, RACED);
    try (RunStore store = RunStore.open(runs);
        RunStore whole = RunStore.open(raced)) {
      assertThat(store.trials(racedRun.id())).isEqualTo(whole.trials(racedRun.id()));
      assertThat(store.racedOf(racedRun.id())).isEqualTo(whole.racedOf(racedRun.id()));
      assertThat(store.section(racedRun.id(), "search"))
          .isEqualTo(whole.section(racedRun.id(), "search"));
    }
  }

  @Test
  void nsga2RacesAgainstTheFrontAndRecordsIt() throws Exception {
    List<String> settings = new ArrayList<>(List.of(RACED));
    settings.add("methods.glora.search.strategy=nsga2");
    settings.add("methods.glora.search.parents=1");
    Path runs = temp.resolve("nsga2");
    PlannedRun run = run(runs, new CancelToken(), -1, settings.toArray(String[]::new));
    try (RunStore store = RunStore.open(runs)) {
      assertThat(store.racedOf(run.id())).isNotEmpty();
      JsonNode section = store.section(run.id(), "search").orElseThrow();
      assertThat(section.at("/evaluation/stopped_early").asInt())
          .isEqualTo(store.racedOf(run.id()).size());
      assertThat(section.at("/evaluation/rows").asInt()).isLessThan(32 * 32);
      JsonNode front = section.path("front");
      assertThat(front.size()).isPositive();
      for (int i = 1; i < front.size(); i++) {
        // Tiny's fitness is the loss.
        assertThat(front.get(i).path("parameters").asLong())
            .isGreaterThanOrEqualTo(front.get(i - 1).path("parameters").asLong());
        assertThat(front.get(i).path("loss").asDouble())
            .isLessThanOrEqualTo(front.get(i - 1).path("loss").asDouble());
      }
    }
  }
}
