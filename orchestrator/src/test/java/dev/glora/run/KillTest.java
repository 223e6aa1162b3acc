package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.cli.Main;
import dev.glora.files.FileDigest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The command itself, killed and stopped at drawn moments and given again: it ends with what an
 * undisturbed one ends with. The set-up's kills are in {@code tools/tests/test_setup.py}.
 *
 * <p>{@code -Dglora.kill.seed=N} draws other moments.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class KillTest {
  private static final long SEED = Long.getLong("glora.kill.seed", 20_261_123);

  /** What differs from run to run: times, what was in the cache already, and where the cache is. */
  private static final Pattern OF_THE_RUN =
      Pattern.compile(".*(\\.log|\\.db|\\.md|/(download|prepare|features)\\.json)");

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path temp;

  private static Path material;
  private static PackageIndex index;
  private static TinyCommand undisturbed;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    material = Tiny.write(temp.resolve("material"));
    index = PackageIndex.start(temp.resolve("index"), material.resolve("model"));
    undisturbed = new TinyCommand(temp.resolve("undisturbed"), material, index);
    finish(undisturbed);
  }

  @AfterAll
  static void close() {
    if (index != null) {
      index.close();
    }
  }

  @Test
  void killedAtAMomentOfEachKindItEndsWithTheDigestsOfAnUndisturbedRun() throws Exception {
    Map<String, Kill> first = new LinkedHashMap<>();
    Kill.draw(SEED).forEach(kill -> first.putIfAbsent(kill.kind(), kill));
    killAndCompare(SEED, List.copyOf(first.values()), 1);
  }

  /** All moments; with the three of the set-up's test more than twenty for each seed. */
  @ParameterizedTest
  @Tag("slow")
  @MethodSource("seeds")
  void killedAtAnyMomentItEndsWithTheDigestsOfAnUndisturbedRun(long seed) throws Exception {
    List<Kill> plan = Kill.draw(seed);
    assertThat(plan).hasSizeGreaterThanOrEqualTo(18);
    killAndCompare(seed, plan, 2);
  }

  private static LongStream seeds() {
    return LongStream.of(SEED, 1, 2, 3).distinct();
  }

  private static void killAndCompare(long seed, List<Kill> plan, int least) throws Exception {
    TinyCommand command =
        new TinyCommand(temp.resolve("killed-" + plan.size() + "-" + seed), material, index);
    Killed killed = new Killed(command, index, seed);
    try {
      for (Kill kill : plan) {
        killed.strike(kill);
      }
      for (String kind :
          List.of("download", "prepare", "supernet", "search", "final", "merge", "store")) {
        assertThat(killed.landed().get(kind)).as(kind).isGreaterThanOrEqualTo(least);
      }
      finish(command);
      compare(command);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "With -Dglora.kill.seed=" + seed + ", which drew " + plan + ": " + e.getMessage(), e);
    }
  }

  @Test
  void stoppedBySignalsItSaysHowToGoOnAndEndsWithTheSameDigests() throws Exception {
    TinyCommand command = new TinyCommand(temp.resolve("stopped"), material, index);
    SplittableRandom random = new SplittableRandom(SEED);

    index.stopBefore(random.nextInt(PackageIndex.BLOCKS));
    try (GloraProcess process = command.start()) {
      while (process.alive() && !index.reached()) {
        LockSupport.parkNanos(1_000_000);
      }
      process.signal("TERM");
      assertThat(process.await()).as(process.output()).isEqualTo(143);
      assertThat(process.output())
          .contains("Terminated; everything done so far is saved, run the same command again")
          .contains("To go on where it was: the same command");
    }
    // Its pip was not signalled: the command itself has ended it.
    assertThat(index.abandoned()).isTrue();

    index.flow();
    int step = 1 + random.nextInt(20);
    try (GloraProcess process = command.start()) {
      while (process.alive()
          && process.events().stream()
              .noneMatch(event -> event.stage().equals("supernet") && event.done() >= step)) {
        LockSupport.parkNanos(1_000_000);
      }
      process.signalGroup("INT");
      assertThat(process.await()).as(process.output()).isEqualTo(130);
      assertThat(process.output())
          .contains("Interrupted; everything done so far is saved, run the same command again")
          .contains("To go on where it was: the same command");
    }

    finish(command);
    compare(command);
  }

  private static void finish(TinyCommand command) throws IOException, InterruptedException {
    index.flow();
    try (GloraProcess process = command.start()) {
      assertThat(process.await()).as(process.output()).isZero();
    }
  }

  private static void compare(TinyCommand command) throws Exception {
    checkStore(command.runs());
    Map<String, JsonNode> results = results(command);
    Map<String, JsonNode> expected = results(undisturbed);
    assertThat(results.keySet()).hasSize(3).isEqualTo(expected.keySet());
    results.forEach(
        (run, result) ->
            result
                .properties()
                .forEach(
                    field ->
                        assertThat(field.getValue())
                            .as("%s of %s", field.getKey(), run)
                            .isEqualTo(expected.get(run).get(field.getKey()))));
    assertThat(differences(command)).isEmpty();
  }

  /** File by file: what is left over, what is missing, and what has other bytes. */
  private static List<String> differences(TinyCommand command) throws IOException {
    Map<String, Path> found = command.files();
    Map<String, Path> expected = undisturbed.files();
    List<String> differences = new ArrayList<>();
    for (String name : found.keySet()) {
      if (name.contains(TinyCommand.TEMPORARY) || !expected.containsKey(name)) {
        differences.add("left over: " + name);
      }
    }
    for (String name : expected.keySet()) {
      if (!found.containsKey(name)) {
        differences.add("missing: " + name);
      } else if (!OF_THE_RUN.matcher(name).matches()
          && !FileDigest.of(found.get(name)).equals(FileDigest.of(expected.get(name)))) {
        differences.add("other bytes: " + name);
      }
    }
    return differences;
  }

  /** What {@code show --json} says of each run, without times and places. */
  private static Map<String, JsonNode> results(TinyCommand command) throws Exception {
    Map<String, JsonNode> results = new TreeMap<>();
    for (JsonNode run : glora(command, "list").path("runs")) {
      String id = run.path("run").asText();
      JsonNode shown = glora(command, "show", id);
      ObjectNode result = Json.object();
      for (String name :
          List.of("status", "digests", "metrics", "merge", "parameters", "finals", "evaluations")) {
        assertThat(shown.has(name)).as(name).isTrue();
        result.set(name, shown.get(name));
      }
      result.set("structure", shown.path("structure"));
      result.set("search", shown.path("search"));
      shown
          .path("test_openings")
          .forEach(opening -> result.withArray("opened").add(opening.path("final")));
      assertThat(result.path("status").asText()).isEqualTo("finished");
      assertThat(result.path("opened")).hasSameSizeAs(result.path("finals"));
      for (JsonNode each : result.path("finals")) {
        assertThat(each.at("/digests/adapter").asText()).hasSize(64);
        assertThat(each.at("/digests/merged").asText()).hasSize(64);
      }
      results.put(id, result);
    }
    return results;
  }

  private static JsonNode glora(TinyCommand command, String... words) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String[] arguments = new String[words.length + 3];
    System.arraycopy(words, 0, arguments, 0, words.length);
    System.arraycopy(
        new String[] {"--json", "--runs", command.runs().toString()},
        0,
        arguments,
        words.length,
        3);
    int code = Main.run(arguments, new PrintStream(out, true, StandardCharsets.UTF_8), System.err);
    assertThat(code).isZero();
    return Json.parse(out.toString(StandardCharsets.UTF_8));
  }

  private static void checkStore(Path runs) throws SQLException {
    try (Connection store =
        DriverManager.getConnection("jdbc:sqlite:" + runs.resolve("glora.db"))) {
      assertThat(first(store, "pragma integrity_check")).isEqualTo("ok");
      assertThat(first(store, "select count(*) from pragma_foreign_key_check")).isEqualTo("0");
      assertThat(first(store, "select count(*) from run where status <> 'FINISHED'"))
          .isEqualTo("0");
      assertThat(first(store, "select count(*) - count(distinct cache_key) from trial"))
          .isEqualTo("0");
      assertThat(first(store, "select count(*) - count(distinct run || ' ' || mode) from final"))
          .isEqualTo("0");
    }
  }

  private static String first(Connection store, String query) throws SQLException {
    try (var statement = store.createStatement();
        var rows = statement.executeQuery(query)) {
      rows.next();
      return rows.getString(1);
    }
  }
}
