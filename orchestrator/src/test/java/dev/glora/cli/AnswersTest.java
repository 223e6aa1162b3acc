package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.Json;
import dev.glora.api.AnswerSchema;
import dev.glora.report.FilledStore;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each verb answers with {@code --json}, against the schema that is published for it. */
class AnswersTest {
  /** Verbs that start Python: ReproduceTest and OwnDataTest look at what these answer. */
  private static final Set<String> WORKING =
      Set.of("resume", "retry", "reproduce", "init", "predict");

  @TempDir Path folder;
  private List<String> runs;
  private String[] sources;

  @BeforeEach
  void fill() throws IOException {
    Path data = Files.writeString(folder.resolve("data.tsv"), "rows");
    sources = new String[] {"task.source=local:" + data, "model=local:" + data};
    runs =
        FilledStore.fill(folder.resolve("runs"), "", sources).stream()
            .map(run -> run.id())
            .toList();
    Path model = folder.resolve("runs").resolve(runs.get(2)).resolve("final-inherit/model");
    Files.createDirectories(model);
    Files.writeString(model.resolve("model.safetensors"), "merged");
    try (RunStore store = RunStore.open(folder.resolve("runs"))) {
      ObjectNode record = store.finals(runs.get(2)).get(0).record().deepCopy();
      record.withObject("/digests").put("merged", Json.sha256("merged"));
      store.addFinal(runs.get(2), "inherit", true, record);
      store.upsert(Runs.plan("name=fresh").get(0));
    }
    Files.writeString(folder.resolve("demo.yaml"), Runs.YAML);
  }

  private JsonNode answer(int expected, String... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String[] all = List.of(words).toArray(new String[words.length + 3]);
    all[words.length] = "--json";
    all[words.length + 1] = "--runs";
    all[words.length + 2] = folder.resolve("runs").toString();
    int code =
        Main.run(
            all,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    assertThat(code).as(err.toString(StandardCharsets.UTF_8)).isEqualTo(expected);
    return Json.parse(out.toString(StandardCharsets.UTF_8));
  }

  private Set<String> wrong(String verb, JsonNode document) {
    return AnswerSchema.wrong(answer(0, "schema", verb), document);
  }

  private List<JsonNode> search() throws IOException {
    Path definition =
        Files.writeString(
            folder.resolve("search.json"),
            """
            {"seed": 3, "sites": [{"name": "a", "in": 4, "out": 6}],
             "glora": {"ranks": [1, 2], "max_parameters": 30,
                       "search": {"population": 2, "generations": 1, "parents": 1,
                                  "mutations": 1, "crossovers": 1}}}
            """);
    String state = folder.resolve("state.json").toString();
    JsonNode asked = answer(0, "search", "ask", state, "--new", definition.toString());
    Path results = folder.resolve("results.json");
    ObjectNode result = Json.object().put("accuracy", 0.5).put("loss", 0.5);
    result.set("trial", asked.at("/trials/0/trial"));
    Files.writeString(results, Json.text(result));
    JsonNode told = answer(0, "search", "tell", state, results.toString());
    JsonNode leased = answer(0, "search", "ask", state, "--lease", "60", "--owner", "a");
    Path trials = Files.writeString(folder.resolve("trials.json"), Json.text(leased));
    return List.of(asked, told, leased, answer(0, "search", "renew", state, trials.toString()));
  }

  @Test
  void everyVerbsDocumentIsWhatItsSchemaSays() throws IOException {
    String glora = runs.get(2);
    String bundle = folder.resolve("b.glora").toString();
    Map<String, List<JsonNode>> answers = new TreeMap<>();
    answers.put(
        "run", List.of(answer(0, "run", folder.resolve("demo.yaml").toString(), "--dry-run")));
    answers.put("list", List.of(answer(0, "list"), answer(0, "list", "--status", "failed")));
    answers.put("status", List.of(answer(0, "status")));
    answers.put("show", List.of(answer(0, "show", glora), answer(0, "show", "fresh-head")));
    String file = folder.resolve("demo.yaml").toString();
    JsonNode table = answer(0, "table", file, sources[0], sources[1]);
    assertThat(table.path("rows")).isNotEmpty();
    answers.put("table", List.of(table, answer(0, "table", file)));
    answers.put("compare", List.of(answer(0, "compare", glora, runs.get(0))));
    answers.put("plot", List.of(answer(0, "plot", glora)));
    answers.put("bundle", List.of(answer(0, "bundle", glora, "--output", bundle)));
    answers.put("import", List.of(answer(0, "import", bundle)));
    String output = folder.resolve("out").toString();
    answers.put("export", List.of(answer(0, "export", glora, "--output", output)));
    String python = folder.resolve("none").toString();
    int environment = ExitCode.ENVIRONMENT.code();
    answers.put("doctor", List.of(answer(environment, "doctor", "--python", python)));
    answers.put("search", search());
    answers.put("gc", List.of(answer(0, "gc")));
    answers.put("version", List.of(answer(0, "version")));
    answers.put("schema", List.of(answer(0, "schema"), answer(0, "schema", "table")));
    answers.put("completion", List.of(answer(0, "completion", "bash")));
    answers.put("help", List.of(answer(0, "help"), answer(0, "help", "--man")));

    Set<String> verbs = new TreeSet<>(answers.keySet());
    verbs.addAll(WORKING);
    assertThat(Verbs.ALL)
        .as("a verb needs its schema in answers.schema.json and a line here")
        .extracting(Verb::name)
        .containsExactlyInAnyOrderElementsOf(verbs);
    answers.forEach(
        (verb, documents) ->
            documents.forEach(each -> assertThat(wrong(verb, each)).as(verb + each).isEmpty()));
  }

  @Test
  void schemasSayNoToWhatIsMissing() {
    for (Verb verb : Verbs.ALL) {
      assertThat(wrong(verb.name(), Json.object())).as(verb.name()).isNotEmpty();
    }
    ObjectNode document = (ObjectNode) answer(0, "show", runs.get(2));
    document.put("seed", "zero");
    assertThat(wrong("show", document)).hasSize(1);
  }
}
