package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every store must do, whatever database is below it. */
abstract class RunStoreContract {
  private static final Set<RunStatus> EVERY = EnumSet.allOf(RunStatus.class);

  @TempDir Path runs;
  private RunStore store;
  private String url;
  private final PlannedRun planned = Runs.plan().get(0);
  private final String run = planned.id();

  /** URL of a database without runs, asked once for each test. */
  abstract String url() throws Exception;

  /** URL of a database without tables. */
  abstract String empty() throws Exception;

  private RunStore connect() {
    return RunStore.open(runs, url);
  }

  @BeforeEach
  void open() throws Exception {
    url = url();
    store = connect();
    store.upsert(planned);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private void reopen() {
    store.close();
    store = connect();
  }

  private static Trial trial(String run, int generation, int index, String key) {
    return new Trial(run, generation, index, key, "AAE=", 0.5, 0.25, 30, 20, 10, "random");
  }

  @Test
  void knownRunKeepsItsStatus() {
    store.status(run, RunStatus.RUNNING, "");
    store.status(run, RunStatus.FINISHED, "");
    reopen();

    RunRow row = store.upsert(planned);

    assertThat(row.status()).isEqualTo(RunStatus.FINISHED);
    assertThat(row.key()).isEqualTo(planned.key());
    assertThat(Json.canonical(row.resolved())).isEqualTo(Json.canonical(planned.resolved()));
    assertThat(row.started()).isNotNull();
    assertThat(store.runs()).hasSize(1);
    assertThat(store.events(run)).extracting(RunEvent::kind).containsExactly("RUNNING", "FINISHED");
  }

  @Test
  void runIsFoundByTheBeginningOfItsIdOrKey() {
    Runs.plan().forEach(store::upsert);

    assertThat(store.matching(run)).hasSize(1);
    assertThat(store.matching(planned.key().substring(0, 12)))
        .extracting(RunRow::id)
        .containsExactly(run);
    assertThat(store.matching("demo-glora")).hasSize(2);
    assertThat(store.matching("demo_glora")).isEmpty();
    assertThat(store.matching("%")).isEmpty();
  }

  @Test
  void dottedSectionsAreReadAsOneObject() {
    store.record(run, "data", Json.object().put("digest", "x"));
    store.record(run, "timings.final:inherit", Json.number(2));
    store.add(run, "timings.search", 1.5);
    store.add(run, "timings.search", 2.0);
    store.peak(run, "memory.search", 100);
    store.peak(run, "memory.search", 70);
    reopen();

    assertThat(store.sections(run).at("/timings/search").doubleValue()).isEqualTo(3.5);
    assertThat(store.sections(run).at("/timings/final:inherit").doubleValue()).isEqualTo(2);
    assertThat(store.sections(run).at("/memory/search").doubleValue()).isEqualTo(100);
    assertThat(store.section(run, "data").orElseThrow().get("digest").textValue()).isEqualTo("x");
    assertThat(store.section(run, "nothing")).isEmpty();
  }

  @Test
  void evaluationIsEnteredOnceAndFoundByItsKey() {
    store.addTrials(List.of(trial(run, 1, 0, "b"), trial(run, 0, 1, "a")));
    store.addTrial(trial(run, 2, 5, "a"));
    reopen();

    assertThat(store.trials(run)).containsExactly(trial(run, 0, 1, "a"), trial(run, 1, 0, "b"));
    assertThat(store.trial("b")).contains(trial(run, 1, 0, "b"));
    assertThat(store.trial("c")).isEmpty();
  }

  @Test
  void generationIsEnteredAsAWholeOrNotAtAll() {
    assertThatThrownBy(
            () -> store.addTrials(List.of(trial(run, 0, 0, "a"), trial("no such run", 0, 1, "b"))))
        .isInstanceOf(GloraException.class);

    assertThat(store.trials(run)).isEmpty();
  }

  @Test
  void testIsOpenedOnceForEachFinal() {
    Instant first = Instant.parse("2026-01-01T00:00:00Z");

    long opening = store.openTest(run, "inherit", first);
    reopen();

    assertThat(store.openTest(run, "inherit", first.plusSeconds(9))).isEqualTo(opening);
    assertThat(store.openTest(run, "finetune", first)).isNotEqualTo(opening);
    assertThat(store.openings(run))
        .extracting(TestOpening::mode)
        .containsExactly("inherit", "finetune");
    assertThat(store.openings(run).get(0).when()).isEqualTo(first);
  }

  @Test
  void oneFinalAtMostIsPrimary() {
    store.addFinal(run, "inherit", false, Json.object());
    store.addFinal(run, "finetune", true, Json.object());
    ObjectNode better = Json.object();
    better.putObject("metrics").putObject("test").put("accuracy", 0.5);
    store.addFinal(run, "finetune", true, better.put("again", true));

    assertThat(store.finals(run)).extracting(FinalRow::mode).containsExactly("inherit", "finetune");
    assertThat(store.finals(run).get(1).record().get("again").booleanValue()).isTrue();
    assertThat(
            store.summaries(null, EVERY, 0, 0).get(0).metrics().at("/test/accuracy").doubleValue())
        .isEqualTo(0.5);
    assertThatThrownBy(() -> store.addFinal(run, "retrain", true, Json.object()))
        .isInstanceOf(GloraException.class);
  }

  @Test
  void runsAreListedByThePage() {
    List<String> ids = new ArrayList<>(List.of(run));
    for (PlannedRun each : Runs.plan("name=other")) {
      ids.add(store.upsert(each).id());
    }
    store.status(ids.get(1), RunStatus.FINISHED, "");

    assertThat(store.summaries(null, EVERY, 2, 1))
        .extracting(RunSummary::id)
        .containsExactly(ids.get(ids.size() - 3), ids.get(ids.size() - 2));
    assertThat(store.summaries("other", EnumSet.of(RunStatus.FINISHED), 0, 0))
        .extracting(RunSummary::id)
        .containsExactly(ids.get(1));
    assertThat(store.count("other", EVERY)).isEqualTo(ids.size() - 1);
    assertThat(store.count(null, EVERY)).isEqualTo(ids.size());
    assertThat(store.counts())
        .isEqualTo(Map.of(RunStatus.FINISHED, 1, RunStatus.PLANNED, ids.size() - 1));
  }

  @Test
  void runThatStartsAnewForgetsResultsAndKeepsItsOpenings() {
    store.record(run, "data", Json.object());
    store.addTrial(trial(run, 0, 0, "a"));
    store.addFinal(run, "inherit", true, Json.object());
    store.openTest(run, "inherit", Instant.now());

    store.restart(run);

    assertThat(store.sections(run)).isEmpty();
    assertThat(store.trials(run)).isEmpty();
    assertThat(store.finals(run)).isEmpty();
    assertThat(store.openings(run)).hasSize(1);
  }

  @Test
  void rowsOfAnEvaluationAreFoundByItsKeyAsLongAsARunHasIt() {
    String other = Runs.plan().get(1).id();
    store.upsert(Runs.plan().get(1));
    byte[] scores = {1, -2, 0, 127, -128};
    store.addTrial(trial(run, 0, 0, "both"), scores);
    store.addTrial(trial(run, 0, 1, "own"), scores);
    store.addTrial(trial(other, 0, 0, "both"));
    reopen();

    assertThat(store.rowScores("both")).contains(scores);
    assertThat(store.rowScores("none")).isEmpty();
    store.restart(run);
    assertThat(store.rowScores("both")).contains(scores);
    assertThat(store.rowScores("own")).isEmpty();
  }

  @Test
  void aStoppedEvaluationIsNoTrial() {
    RacedTrial raced = new RacedTrial(run, 1, 2, "race", "AAE=", 0.5, 0.7, 40, "mutation");
    store.addRaced(raced);
    store.addRaced(raced);
    reopen();

    assertThat(store.raced("race")).contains(raced);
    assertThat(store.racedOf(run)).containsExactly(raced);
    assertThat(store.trial("race")).isEmpty();
    assertThat(store.trials(run)).isEmpty();
    store.restart(run);
    assertThat(store.raced("race")).isEmpty();
  }

  @Test
  void listenerHearsOfACommitBeforeAndAfterIt() {
    StringBuilder heard = new StringBuilder();
    store.onCommit((of, what, done) -> heard.append(what).append(done ? '+' : '-').append(' '));

    store.record(run, "data", Json.object());
    store.openTest(run, "inherit", Instant.now());

    assertThat(heard).hasToString("data- data+ test_opening- test_opening+ ");
  }

  @Test
  void twoWritersLoseNothing() throws InterruptedException {
    int each = 40;
    Runnable adding =
        () -> {
          try (RunStore own = connect()) {
            for (int i = 0; i < each; i++) {
              own.add(run, "timings.search", 1);
            }
          }
        };
    Thread one = new Thread(adding);
    Thread two = new Thread(adding);
    one.start();
    two.start();
    one.join();
    two.join();

    assertThat(store.section(run, "timings.search").orElseThrow().doubleValue())
        .isEqualTo(2.0 * each);
  }

  @Test
  void storeIsThereOnceItWasOpened() throws Exception {
    assertThat(RunStore.openExisting(runs.resolve("none"), empty())).isEmpty();
    try (RunStore again = RunStore.openExisting(runs, url).orElseThrow()) {
      assertThat(again.find(run)).isPresent();
    }
  }

  @Test
  void runBeforeAnotherIsTheLastInItsPlace() {
    PlannedRun changed = Runs.plan("training.steps=7000").get(0);
    PlannedRun newest = Runs.plan("training.steps=8000").get(0);
    store.upsert(changed);

    assertThat(store.before(newest).orElseThrow().id()).isEqualTo(changed.id());
    assertThat(store.before(changed).orElseThrow().id()).isEqualTo(run);
    assertThat(store.before(Runs.plan("name=other").get(0))).isEmpty();
    assertThat(store.before(Runs.plan("seeds=[9]").get(0))).isEmpty();
  }

  @Test
  void timingsAreThoseOfFinishedRunsNewestFirst() {
    PlannedRun other = Runs.plan("training.steps=7000").get(0);
    store.upsert(other);
    for (String each : List.of(run, other.id())) {
      store.add(each, "timings.train", 2.5);
      store.add(each, "timings.merge:train", 1);
      store.record(each, "data", Json.object());
    }
    assertThat(store.timings("head", 10)).isEmpty();
    store.status(run, RunStatus.FINISHED, "");
    store.status(other.id(), RunStatus.FINISHED, "");

    assertThat(store.timings("head", 10)).extracting(Timing::run).containsExactly(other.id(), run);
    assertThat(store.timings("head", 1)).extracting(Timing::run).containsExactly(other.id());
    assertThat(store.timings("head", 1).get(0).stages())
        .isEqualTo(Json.parse("{\"train\": 2.5, \"merge:train\": 1.0}"));
    assertThat(store.timings("lora", 10)).isEmpty();
  }

  @Test
  void lastStageIsTheOneThatBeganLast() {
    assertThat(store.lastStage(run)).isEmpty();
    store.event(run, "STAGE", "download");
    store.event(run, "STAGE", "train");
    store.event(run, "RESTARTED", "anew");

    assertThat(store.lastStage(run)).contains("train");
  }

  @Test
  void numbersThatAreNotFiniteAreKept() {
    Trial infinite =
        new Trial(run, 0, 0, "a", "AAE=", 0.0, Double.POSITIVE_INFINITY, 1L << 40, 2, 1, "random");

    store.addTrial(infinite);

    assertThat(store.trials(run)).containsExactly(infinite);
  }
}
