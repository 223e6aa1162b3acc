package dev.glora.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A search driven from outside, its state in a file. */
class SearchFileTest {
  private static final String DEFINITION =
      """
      {"seed": 3,
       "sites": [{"name": "a", "in": 4, "out": 6}, {"name": "b", "in": 6, "out": 3, "bias": false}],
       "glora": {"ranks": [1, 2], "max_parameters": 30,
                 "search": {"strategy": "@", "population": 6, "generations": 3, "parents": 2,
                            "mutations": 3, "crossovers": 3, "children": 4, "tournament": 2}}}
      """;

  private final Glora glora = Glora.builder().build();
  @TempDir Path temp;
  private Path state;
  private Path definition;

  @BeforeEach
  void define() throws IOException {
    state = temp.resolve("state.json");
    definition = define("evolution");
  }

  private Path define(String strategy) throws IOException {
    return Files.writeString(temp.resolve(strategy + ".json"), DEFINITION.replace("@", strategy));
  }

  private JsonNode ask(Path file) {
    return glora.searchAsk(file, Files.exists(file) ? null : definition, 1000).json();
  }

  private static ObjectNode result(JsonNode trial) {
    String codes = trial.at("/structure/codes").asText();
    double accuracy = (Json.sha256(codes).charAt(0) % 16) / 16.0;
    return Json.object()
        .put("trial", trial.path("trial").asText())
        .put("accuracy", accuracy)
        .put("loss", 1 - accuracy);
  }

  private JsonNode tell(Path file, JsonNode... results) {
    ObjectNode document = Json.object();
    ArrayNode trials = document.putArray("trials");
    for (JsonNode each : results) {
      trials.add(each);
    }
    return glora.searchTell(file, Json.text(document)).json();
  }

  /** Asks and tells whole generations until the search is done; returns all structures. */
  private List<String> whole(Path file) {
    List<String> asked = new ArrayList<>();
    for (JsonNode now = ask(file); !now.path("done").asBoolean(); now = ask(file)) {
      List<JsonNode> results = new ArrayList<>();
      for (JsonNode trial : now.path("trials")) {
        asked.add(trial.at("/structure/codes").asText());
        results.add(result(trial));
      }
      tell(file, results.toArray(JsonNode[]::new));
    }
    return asked;
  }

  @ParameterizedTest
  @ValueSource(strings = {"evolution", "nsga2", "regularized-evolution", "random"})
  void theOrderOfTellingChangesNothing(String strategy) throws IOException {
    definition = define(strategy);
    whole(state);
    Path other = temp.resolve("other.json");
    Random random = new Random(5);
    for (JsonNode now = ask(other); !now.path("done").asBoolean(); now = ask(other)) {
      List<JsonNode> trials = new ArrayList<>();
      now.path("trials").forEach(trials::add);
      Collections.shuffle(trials, random);
      for (JsonNode trial : trials) {
        tell(other, result(trial));
      }
    }
    assertThat(Files.readString(other)).isEqualTo(Files.readString(state));
  }

  @Test
  void everyStructureIsAskedOnceAndWithinTheLimit() {
    List<String> asked = whole(state);
    assertThat(asked).hasSize(6 + 3 * 6).doesNotHaveDuplicates();
    JsonNode last = ask(state);
    assertThat(last.path("trials")).isEmpty();
    assertThat(last.at("/best/parameters/folded").asLong()).isBetween(0L, 30L);
    assertThat(last.at("/best/accuracy").isNumber()).isTrue();
  }

  @Test
  void askingAgainGivesTheSameAndTellingAgainChangesNothing() throws IOException {
    JsonNode first = ask(state);
    assertThat(ask(state)).isEqualTo(first);
    assertThat(glora.searchAsk(state, null, 2).json().path("trials")).hasSize(2);
    JsonNode trial = result(first.at("/trials/4"));
    assertThat(tell(state, trial).path("accepted")).hasSize(1);
    String before = Files.readString(state);
    JsonNode again = tell(state, trial);
    assertThat(again.path("accepted")).isEmpty();
    assertThat(again.path("repeated").get(0).asText()).isEqualTo("0-4");
    assertThat(Files.readString(state)).isEqualTo(before);
    assertThat(ask(state).path("trials")).hasSize(5);
  }

  @Test
  void aLateResultOfAnEarlierGenerationIsKnownOrRefused() throws IOException {
    List<JsonNode> results = new ArrayList<>();
    ask(state).path("trials").forEach(trial -> results.add(result(trial)));
    tell(state, results.toArray(JsonNode[]::new));
    String before = Files.readString(state);
    assertThat(tell(state, results.get(2)).path("repeated")).hasSize(1);
    ObjectNode other = results.get(2).deepCopy();
    other.put("accuracy", 0.123);
    assertThatThrownBy(() -> tell(state, other))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("0-2")
        .hasMessageContaining("0.123")
        .hasMessageContaining("the first result stays");
    assertThat(Files.readString(state)).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1-0", "0-6", "0--1", "00-1", "x", "", "0-99999999999", "7-7"})
  void aTrialThatWasNotAskedIsRefusedWithAllOfItsCall(String name) throws IOException {
    JsonNode good = result(ask(state).at("/trials/0"));
    String before = Files.readString(state);
    ObjectNode unknown = Json.object().put("trial", name).put("accuracy", 1).put("loss", 0);
    assertThatThrownBy(() -> tell(state, good, unknown))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("There is no trial \"" + name + "\"")
        .satisfies(e -> assertThat(((GloraException) e).code()).isEqualTo(ExitCode.USAGE));
    assertThat(Files.readString(state)).isEqualTo(before);
  }

  @Test
  void twoResultsForOneTrialInACallAreRefused() throws IOException {
    ObjectNode one = result(ask(state).at("/trials/0"));
    ObjectNode two = one.deepCopy().put("loss", 77);
    String before = Files.readString(state);
    assertThatThrownBy(() -> tell(state, one, two)).hasMessageContaining("77");
    assertThat(Files.readString(state)).isEqualTo(before);
    assertThat(tell(state, one, one.deepCopy()).path("accepted")).hasSize(1);
  }

  @Test
  void failedTrialsEndTheGenerationAndNeverWin() {
    JsonNode first = ask(state);
    List<JsonNode> results = new ArrayList<>();
    for (JsonNode trial : first.path("trials")) {
      results.add(
          results.isEmpty()
              ? result(trial)
              : Json.object().put("trial", trial.path("trial").asText()).put("failed", true));
    }
    JsonNode after = tell(state, results.toArray(JsonNode[]::new));
    assertThat(after.path("generation").asInt()).isEqualTo(1);
    assertThat(after.at("/best/trial").asText()).isEqualTo("0-0");
  }

  @Test
  void theRivalIsNamedByItsTrial() throws IOException {
    whole(state);
    Path other = temp.resolve("other.json");
    List<JsonNode> results = new ArrayList<>();
    ask(other).path("trials").forEach(trial -> results.add(result(trial)));
    tell(other, results.toArray(JsonNode[]::new));
    for (JsonNode trial : ask(other).path("trials")) {
      assertThat(trial.path("rival").asText()).startsWith("0-");
    }
  }

  @Test
  void manyAtOnceLoseNothing() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try {
      for (JsonNode now = ask(state); !now.path("done").asBoolean(); now = ask(state)) {
        List<Future<JsonNode>> told = new ArrayList<>();
        for (JsonNode trial : now.path("trials")) {
          told.add(pool.submit(() -> tell(state, result(trial))));
        }
        for (Future<JsonNode> each : told) {
          assertThat(each.get().path("accepted")).hasSize(1);
        }
      }
    } finally {
      pool.shutdownNow();
    }
    Path alone = temp.resolve("alone.json");
    whole(alone);
    assertThat(Files.readString(state)).isEqualTo(Files.readString(alone));
  }

  /** A clock that stands until it is set on. */
  private static final class Stopped extends Clock {
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private JsonNode lease(Clock clock, int most, String owner) {
    return new SearchFile(state, clock)
        .lease(Optional.of(definition), most, owner, MINUTE)
        .json()
        .path("trials");
  }

  private static String names(JsonNode trials) {
    List<String> names = new ArrayList<>();
    trials.forEach(trial -> names.add(trial.path("trial").asText()));
    return String.join(" ", names);
  }

  private static ObjectNode under(JsonNode trial) {
    ObjectNode result = result(trial);
    result.set("token", trial.at("/lease/token"));
    return result;
  }

  @Test
  void aLeasedTrialIsHandedToNobodyElseUntilItsLeaseExpires() {
    Stopped clock = new Stopped();
    JsonNode first = lease(clock, 4, "a");
    assertThat(names(first)).isEqualTo("0-0 0-1 0-2 0-3");
    assertThat(names(lease(clock, 9, "b"))).isEqualTo("0-4 0-5");
    assertThat(lease(clock, 9, "c")).isEmpty();
    tell(state, under(first.get(1)));
    clock.now = clock.now.plus(MINUTE);
    JsonNode again = lease(clock, 9, "c");
    assertThat(names(again)).isEqualTo("0-0 0-2 0-3 0-4 0-5");
    assertThat(again.get(0).at("/structure/codes")).isEqualTo(first.get(0).at("/structure/codes"));
    assertThat(again.get(0).at("/lease/token").asLong()).isEqualTo(2);
    assertThat(again.get(0).at("/lease/owner").asText()).isEqualTo("c");
  }

  @Test
  void aLateTellIsRefusedAndALateOneThatNobodyTookOverIsNot() throws IOException {
    Stopped clock = new Stopped();
    JsonNode late = lease(clock, 2, "late");
    clock.now = clock.now.plus(MINUTE);
    JsonNode next = lease(clock, 1, "next");
    String before = Files.readString(state);
    assertThatThrownBy(() -> tell(state, under(late.get(1)), under(late.get(0))))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("The trial 0-0 comes with the token 1, whose lease has expired")
        .hasMessageContaining("handed to next under the token 2")
        .satisfies(e -> assertThat(((GloraException) e).code()).isEqualTo(ExitCode.USAGE));
    assertThatThrownBy(() -> tell(state, result(late.get(0))))
        .hasMessageContaining("is leased to next and comes without a token");
    assertThat(Files.readString(state)).isEqualTo(before);
    tell(state, under(late.get(1)));
    tell(state, under(next.get(0)));
    // Both have their result: to tell the same again changes nothing, whoever does.
    assertThat(tell(state, under(late.get(0))).path("repeated")).hasSize(1);
  }

  @Test
  void aRenewedLeaseHoldsOnAndALostOneIsNotRenewed() {
    Stopped clock = new Stopped();
    SearchFile search = new SearchFile(state, clock);
    JsonNode held = lease(clock, 6, "a");
    clock.now = clock.now.plusSeconds(59);
    String mine = Json.text(Json.object().set("trials", held));
    assertThat(search.renew(mine, MINUTE).json().path("renewed")).hasSize(6);
    clock.now = clock.now.plusSeconds(59);
    assertThat(lease(clock, 6, "b")).isEmpty();
    tell(state, under(held.get(5)));
    assertThat(search.renew(mine, MINUTE).json().path("renewed")).hasSize(5);
    clock.now = clock.now.plus(MINUTE);
    assertThat(lease(clock, 1, "b")).hasSize(1);
    assertThatThrownBy(() -> search.renew(mine, MINUTE)).hasMessageContaining("handed to b");
    assertThatThrownBy(() -> search.renew("{\"trial\": \"0-1\"}", MINUTE))
        .hasMessageContaining("expected trial and token");
    assertThatThrownBy(() -> search.lease(Optional.empty(), 1, "b", Duration.ZERO))
        .hasMessageContaining("The lease is 0 s long");
  }

  @Test
  void leasesChangeNothingOfTheSearch() throws IOException {
    Stopped clock = new Stopped();
    for (JsonNode some = lease(clock, 4, "a"); !some.isEmpty(); some = lease(clock, 4, "a")) {
      for (JsonNode trial : some) {
        tell(state, under(trial));
      }
    }
    Path alone = temp.resolve("alone.json");
    whole(alone);
    assertThat(Files.readString(state)).isEqualTo(Files.readString(alone));
  }

  @Test
  void aCutOrChangedStateIsRefused() throws IOException {
    ask(state);
    String text = Files.readString(state);
    Set<String> sentences = new HashSet<>();
    for (String harmed :
        List.of(
            text.substring(0, text.length() / 2),
            "",
            text.replace("\"seed\" : 3", "\"seed\" : 4"),
            text.replace("glora-search", "other"))) {
      Files.writeString(state, harmed);
      assertThatThrownBy(() -> ask(state))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("damaged")
          .satisfies(e -> sentences.add(e.getMessage()));
      assertThat(Files.readString(state)).isEqualTo(harmed);
    }
    assertThat(sentences).hasSizeGreaterThan(1);
  }

  @Test
  void anotherDefinitionForAStateIsRefused() throws IOException {
    ask(state);
    assertThat(glora.searchAsk(state, definition, 1).json().path("trials")).hasSize(1);
    Path other = define("random");
    assertThatThrownBy(() -> glora.searchAsk(state, other, 1))
        .hasMessageContaining("another definition");
  }

  @Test
  void aStateThatIsNotThereSaysHowToBegin() {
    assertThatThrownBy(() -> glora.searchAsk(state, null, 1)).hasMessageContaining("--new");
    assertThatThrownBy(() -> tell(state)).hasMessageContaining("--new");
    assertThat(state).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | sites",
        "[] | no JSON object",
        "{\"sites\": [{\"name\": \"a\", \"in\": 0, \"out\": 2}]} | sites[0]",
        "{\"sites\": [{\"name\": \"a\", \"in\": 1, \"out\": 2, \"dead\": [\"Z\"]}]} | dead",
        "{\"sites\": [], \"site\": []} | the key site is unknown",
        "{\"seed\": \"x\", \"sites\": []} | seed is",
        "{\"glora\": 3} | glora is 3",
        "{\"glora\": {\"search\": {\"strategy\": \"annealing\"}}} | glora.search.strategy",
        "{\"glora\": {\"search\": {\"populaton\": 3}}} | population",
        "{\"glora\": {\"search\": {\"strategy\": \"none\"}}} | none",
        "{\"glora\": {\"search\": {\"start\": \"taylor\"}}} | taylor",
        "{\"sites\": [{\"name\": \"a\", \"in\": 1, \"out\": 2}], \"glora\": {\"min_parameters\":"
            + " 1000}} | reaches from 0 to",
      })
  void aWrongDefinitionIsRefusedInOneSentence(String text, String part) throws IOException {
    Path wrong = Files.writeString(temp.resolve("wrong.json"), text);
    assertThatThrownBy(() -> glora.searchAsk(state, wrong, 1))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining(part)
        .satisfies(
            e -> {
              assertThat(((GloraException) e).code()).isEqualTo(ExitCode.USAGE);
              assertThat(e.getMessage()).doesNotContain("methods[");
            });
    assertThat(state).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nonsense | no JSON object",
        "{\"accuracy\": 1} | expected trial",
        "{\"trial\": \"0-0\"} | accuracy",
        "{\"trial\": \"0-0\", \"accuracy\": \"high\", \"loss\": 1} | accuracy \"high\"",
        "{\"trial\": \"0-0\", \"accuracy\": 1, \"loss\": 1e999} | expected numbers",
      })
  void aWrongResultIsRefusedInOneSentence(String text, String part) {
    ask(state);
    assertThatThrownBy(() -> glora.searchTell(state, text))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining(part);
  }
}
