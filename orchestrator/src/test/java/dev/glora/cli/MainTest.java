package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.report.FilledStore;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  private static final String DEMO =
      """
      version: 1
      name: demo
      model: "local:/none"
      task: {source: "local:/none", domain: movies}
      methods: [{method: head}]
      """;

  @TempDir Path folder;

  record Ending(int code, String out, String err) {}

  private Ending glora(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            arguments,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Ending(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private Ending here(String verb, String... arguments) {
    return glora(
        Stream.concat(Stream.of(verb, "--runs", folder.toString()), Stream.of(arguments))
            .toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lst | There is no verb \"lst\"; did you mean \"list\"?",
        "frobnicate | There is no verb \"frobnicate\"; glora help lists those that there are.",
        "list --all | glora list has no option --all; see glora help list.",
        "list --runs | The option --runs needs a value (DIR); see glora help list.",
        "list x | glora list was given \"x\", expected no arguments; see glora help list.",
        "run | glora run was given nothing, expected FILE [key=value …]; see glora help run.",
        "help nothing | There is no verb \"nothing\"; glora help lists those that there are.",
        "run none.yaml | There is no file none.yaml; give the path of an experiment such as"
            + " experiments/quickstart.yaml.",
      })
  void wrongUsageIsOneSentenceAndExitCodeTwo(String line, String sentence) {
    Ending ending = glora(line.split(" "));

    assertThat(ending.code()).isEqualTo(2);
    assertThat(ending.err()).isEqualTo(sentence + "\n");
    assertThat(ending.out()).isEmpty();
  }

  static List<Path> malformed() throws IOException, URISyntaxException {
    try (Stream<Path> files =
        Files.list(Path.of(MainTest.class.getResource("/malformed").toURI()))) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("malformed")
  void malformedExperimentIsOneLineAndLeavesNothingBehind(Path file) {
    Path runs = folder.resolve("runs");

    Ending ending = glora("run", file.toString(), "--runs", runs.toString());

    assertThat(ending.code()).isEqualTo(2);
    assertThat(ending.err()).hasLineCount(1).doesNotContain("Exception");
    assertThat(ending.out()).isEmpty();
    assertThat(runs).doesNotExist();
  }

  @Test
  void helpNamesEveryVerbAndEachVerbItsOptions() {
    String help = glora("help").out();

    for (Verb verb : Verbs.ALL) {
      assertThat(help).contains("  " + verb.name());
      assertThat(glora("help", verb.name()).out())
          .startsWith("glora " + verb.name())
          .contains("--runs DIR");
      assertThat(glora(verb.name(), "--help").out()).isEqualTo(glora("help", verb.name()).out());
    }
    assertThat(glora()).isEqualTo(glora("help"));
    assertThat(help.lines()).allMatch(line -> line.length() <= 100);
  }

  @ParameterizedTest
  @ValueSource(strings = {"version", "help", "list", "status", "schema"})
  void answerIsOneJsonDocumentOnStandardOutput(String verb) throws IOException {
    Ending ending = here(verb, "--json");

    assertThat(ending.code()).isZero();
    assertThat(ending.err()).isEmpty();
    try (var values = Json.MAPPER.readerFor(JsonNode.class).readValues(ending.out())) {
      assertThat(values.readAll()).hasSize(1);
    }
  }

  @Test
  void questionsLeaveNoFolderBehind() {
    Path runs = folder.resolve("none");

    assertThat(glora("--runs", runs.toString(), "list").out())
        .isEqualTo("There are no runs in " + runs + " yet; glora run FILE makes some.\n");
    assertThat(glora("status", "--runs=" + runs).code()).isZero();
    assertThat(glora("show", "x", "--runs", runs.toString()).code()).isEqualTo(2);
    assertThat(runs).doesNotExist();
  }

  @Test
  void runsAreListedAndShown() {
    List<PlannedRun> plan = FilledStore.fill(folder);
    String glora = plan.get(2).id();

    assertThat(here("list").out().lines()).hasSize(7).anyMatch(line -> line.startsWith(glora));
    JsonNode listed = Json.parse(here("list", "--json").out());
    assertThat(listed.at("/runs/2/test_accuracy").doubleValue()).isEqualTo(0.79);
    JsonNode shown = Json.parse(here("show", glora, "--json").out());
    assertThat(shown.at("/run").textValue()).isEqualTo(glora);
    assertThat(shown.at("/merge/max_abs_diff").doubleValue()).isEqualTo(1.25e-7);
    assertThat(here("show", plan.get(2).key().substring(0, 10)).out()).contains("inherit *");
  }

  @Test
  void beginningOfSeveralRunsIsRefusedWithTheirNames() {
    List<PlannedRun> plan = FilledStore.fill(folder);

    Ending ending = here("show", "demo-glora");

    assertThat(ending.code()).isEqualTo(2);
    assertThat(ending.err())
        .startsWith("\"demo-glora\" is the beginning of 2 runs (")
        .contains(plan.get(2).id())
        .endsWith("); give more of the one you mean.\n");
    assertThat(here("resume", "nothing").err())
        .isEqualTo("There is no run \"nothing\"; glora list shows the runs that there are.\n");
  }

  @Test
  void runThatWasKilledIsShownAsInterrupted() {
    List<PlannedRun> plan = FilledStore.fill(folder);
    try (RunStore store = RunStore.open(folder)) {
      store.status(plan.get(1).id(), RunStatus.RUNNING, "");
      store.event(plan.get(1).id(), "STAGE", "supernet");
    }

    assertThat(here("status").out())
        .startsWith("5 finished, 1 interrupted\n")
        .containsPattern(plan.get(1).id() + " +interrupted +supernet");
    JsonNode status = Json.parse(here("status", "--json").out());
    assertThat(status.at("/counts/interrupted").intValue()).isEqualTo(1);
    assertThat(status.at("/runs/0/stage").textValue()).isEqualTo("supernet");
  }

  @Test
  void runOfOtherCodeIsNotResumed() {
    List<PlannedRun> plan = FilledStore.fill(folder);

    Ending ending = here("resume", plan.get(0).id());

    assertThat(ending.code()).isEqualTo(1);
    assertThat(ending.err()).contains("was begun by other code of glora");
  }

  @Test
  void onlyAFailedRunIsRetried() {
    List<PlannedRun> plan = FilledStore.fill(folder);
    String id = plan.get(0).id();

    Ending ending = here("retry", id);

    assertThat(ending.code()).isEqualTo(2);
    assertThat(ending.err())
        .contains("The run " + id + " is finished, expected a failed one")
        .contains("glora resume " + id);
    try (RunStore store = RunStore.open(folder)) {
      store.status(id, RunStatus.FAILED, "its worker died");
    }
    assertThat(here("retry", id).err()).contains("was begun by other code of glora");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--workers | 0 | The option --workers is 0, expected a whole number from 1 on.",
        "--workers | two | The option --workers is \"two\"",
        "--workers | 5000 | The number of workers is 5000, expected 1 to 1024.",
        "--devices | gpu | has \"gpu\", expected cpu or cuda:N",
        "--attempts | -1 | The option --attempts is \"-1\""
      })
  void wrongOptionsOfWorkersAreRefused(String option, String value, String sentence) {
    Ending ending = here("retry", FilledStore.fill(folder).get(0).id(), option, value);

    assertThat(ending.code()).isEqualTo(2);
    assertThat(ending.err()).contains(sentence);
  }

  @Test
  void dryRunPrintsThePlanAndLeavesNothingBehind() throws IOException {
    Path file = Files.writeString(folder.resolve("demo.yaml"), DEMO);
    Path runs = folder.resolve("runs");

    Ending ending = glora("run", file.toString(), "--dry-run", "--runs", runs.toString());

    assertThat(ending.code()).isZero();
    assertThat(ending.out())
        .containsPattern("demo-head-s0-[0-9a-f]{8} +to do +unknown +new; no run like it")
        .contains("\n1 runs: 1 to do. Time left: unknown.\n");
    assertThat(ending.err()).isEmpty();
    assertThat(runs).doesNotExist();
  }

  @Test
  void dryRunChangesNothingInTheStore() throws IOException {
    Path file = Files.writeString(folder.resolve("demo.yaml"), DEMO);
    FilledStore.fill(folder);
    byte[] before = Files.readAllBytes(folder.resolve("glora.db"));

    Ending ending = here("run", file.toString(), "--dry-run", "--json", "name=demo", "seeds=[0,7]");

    JsonNode plan = Json.parse(ending.out());
    assertThat(plan.at("/runs").size()).isEqualTo(2);
    assertThat(plan.at("/runs/0/state").textValue()).isEqualTo("again");
    assertThat(plan.at("/runs/0/reason").textValue()).startsWith("changed since demo-head-s0-");
    assertThat(plan.at("/runs/1/state").textValue()).isEqualTo("to do");
    assertThat(Files.readAllBytes(folder.resolve("glora.db"))).isEqualTo(before);
  }

  @Test
  void garbageIsListedAndRemovedOnRequestAlone() throws IOException {
    List<PlannedRun> plan = FilledStore.fill(folder);
    Path state = folder.resolve(plan.get(0).id()).resolve("state");
    Files.createDirectories(state);
    Files.writeString(state.resolve("weights.safetensors"), "x".repeat(2048));

    assertThat(here("gc").out()).isEqualTo("There is nothing to remove.\n");
    assertThat(here("gc", "--checkpoints").out())
        .isEqualTo(
            "checkpoints "
                + state
                + " 2.0 KiB\nWould remove 1 of together 2.0 KiB; glora gc --delete does it.\n");
    assertThat(state).exists();
    JsonNode removed = Json.parse(here("gc", "--checkpoints", "--delete", "--json").out());
    assertThat(removed.at("/deleted").booleanValue()).isTrue();
    assertThat(removed.at("/items/0/bytes").longValue()).isEqualTo(2048);
    assertThat(state).doesNotExist();
  }

  @Test
  void missingPythonIsOneSentenceAndTheTraceIsInTheLog() throws IOException {
    Path file = Files.writeString(folder.resolve("demo.yaml"), DEMO);

    Ending ending = here("run", file.toString(), "--python", folder.resolve("python").toString());

    assertThat(ending.code()).isEqualTo(3);
    assertThat(ending.out()).isEmpty();
    assertThat(ending.err().lines()).hasSize(3);
    assertThat(ending.err().lines().findFirst().orElseThrow())
        .matches("demo-head-s0-[0-9a-f]{8}: new");
    assertThat(ending.err()).contains("There is no Python at " + folder.resolve("python"));
    assertThat(Files.readString(Logs.file(folder)))
        .contains("PythonStartException")
        .contains("\tat ");
    assertThat(Json.parse(here("status", "--json").out()).at("/counts/planned").intValue())
        .isEqualTo(1);
  }

  private Path demo() throws IOException {
    return Files.writeString(folder.resolve("demo.yaml"), Runs.YAML);
  }

  @Test
  void tableTakesRunsOfOtherCodeAndThePublishedValuesBesideTheFile() throws IOException {
    FilledStore.fill(folder);
    Files.writeString(
        Files.createDirectory(folder.resolve("published")).resolve("p.csv"),
        "table,model,sources,task,method,split,metric,unit,value,deviation,seeds,parameters,source,"
            + "verified,note\nT,m,,movies,glora,test,accuracy,%,80.0,,,,A paper,yes,\n");

    JsonNode table = Json.parse(here("table", demo().toString(), "--json").out());
    assertThat(table.path("rows"))
        .extracting(row -> row.path("label").asText() + " " + row.path("seeds"))
        .containsExactly("head [0,1]", "lora [0,1]", "glora [0,1]", "glora [0,1]");
    assertThat(table.at("/rows/2/difference").doubleValue()).isCloseTo(-1, offset(1e-9));
    assertThat(table.at("/rows/2/verdict").asText()).isEqualTo("too few seeds");
    assertThat(table.path("missing").asInt()).isZero();

    JsonNode one = Json.parse(here("table", demo().toString(), "seeds=[1,2]", "--json").out());
    assertThat(one.at("/rows/0/seeds")).hasSize(1);
    assertThat(one.path("missing").asInt()).isEqualTo(3);
    assertThat(here("table", demo().toString(), "--format", "latex").out()).contains("\\toprule");
    assertThat(here("table", demo().toString(), "--format", "xml").err())
        .isEqualTo(
            "There is no format \"xml\" of tables; expected one of text, md, csv, latex, json.\n");
    assertThat(here("table", demo().toString(), "--split", "train").code()).isEqualTo(2);
  }

  @Test
  void runsAndStructuresAreCompared() throws IOException {
    List<PlannedRun> plan = FilledStore.fill(folder);
    Path one = Files.writeString(folder.resolve("a.json"), "{\"sites\": [{\"name\": \"q\"}]}");
    Path none = Files.writeString(folder.resolve("b.json"), "{\"sites\": 1}");

    assertThat(here("compare", plan.get(2).id(), plan.get(5).id()).out())
        .contains("seeds[0]  0  1", "Structure: 0 of 10 genes differ");
    assertThat(Json.parse(here("compare", one.toString(), one.toString(), "--json").out()))
        .isEqualTo(
            Json.parse(
                "{\"compared\":[\""
                    + one
                    + "\",\""
                    + one
                    + "\"],\"structure\":{\"same\":5,\"different\":0,\"sites\":[]}}"));
    Ending wrong = here("compare", one.toString(), none.toString());
    assertThat(wrong.code()).isEqualTo(2);
    assertThat(wrong.err()).startsWith("The file " + none + " holds no structure, expected JSON");
  }

  @Test
  void listIsPagedAndFiltered() {
    List<PlannedRun> plan = FilledStore.fill(folder);

    assertThat(here("list", "--limit", "2", "--offset", "1").out().lines())
        .hasSize(4)
        .anyMatch(line -> line.startsWith(plan.get(3).id()))
        .anyMatch(line -> line.startsWith(plan.get(4).id()))
        .anyMatch(line -> line.equals("2 of 6 runs; --limit and --offset show others."));
    JsonNode none = Json.parse(here("list", "--status", "failed", "--json").out());
    assertThat(none.path("total").asInt()).isZero();
    assertThat(here("list", "--limit", "-1").err())
        .isEqualTo("The option --limit is \"-1\", expected a whole number from 0 on.\n");
    assertThat(here("list", "--status", "lost").err())
        .isEqualTo(
            "There is no status \"lost\"; expected one of planned, running, interrupted, failed,"
                + " finished.\n");
  }

  @Test
  void damagedStoreIsOneSentence() throws IOException {
    Files.writeString(
        folder.resolve("glora.db"), "no database, but long enough to look at it twice");

    Ending ending = here("list");

    assertThat(ending.code()).isEqualTo(3);
    assertThat(ending.err()).hasLineCount(1).contains("is not a sound SQLite database");
  }

  @Test
  void aSearchIsDrivenFromTheCommandLine() throws IOException {
    String state = folder.resolve("state.json").toString();
    Path definition =
        Files.writeString(
            folder.resolve("definition.json"),
            """
            {"sites": [{"name": "a", "in": 3, "out": 4}],
             "glora": {"search": {"strategy": "random", "population": 2, "parents": 1,
                                  "generations": 0, "mutations": 1, "crossovers": 1}}}
            """);

    Ending asked = glora("search", "ask", state, "--new", definition.toString(), "--json");
    JsonNode trials = Json.parse(asked.out()).path("trials");
    assertThat(trials).hasSize(2);
    assertThat(Json.parse(glora("search", "ask", state, "--count", "1").out()).path("trials"))
        .hasSize(1);

    Path results =
        Files.writeString(
            folder.resolve("results.json"),
            """
            {"trials": [{"trial": "0-0", "accuracy": 0.5, "loss": 0.7},
                        {"trial": "0-1", "accuracy": 0.6, "loss": 0.6}]}
            """);
    Ending told = glora("search", "tell", state, results.toString());
    assertThat(told.code()).isZero();
    assertThat(Json.parse(told.out()).path("done").asBoolean()).isTrue();
    assertThat(Json.parse(told.out()).at("/best/trial").asText()).isEqualTo("0-1");

    Ending unknown = glora("search", "guess", state);
    assertThat(unknown.code()).isEqualTo(2);
    assertThat(unknown.err())
        .isEqualTo("glora search knows ask, renew and tell, and was given \"guess\".\n");
  }
}
