package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.Json;
import dev.glora.report.RunDocument;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A store of every schema that there was, as a file: {@code stores/sqlite-vN.db}, and from 2 on
 * {@code stores/postgresql-vN.sql}, which {@link StoreFiles} writes. Each holds {@link
 * dev.glora.report.FilledStore}'s runs, and is read by this version.
 */
class OldStoresTest {
  private static final int FIRST_OF_POSTGRESQL = 2;

  @TempDir Path runs;

  static Stream<Integer> sqlite() {
    return IntStream.rangeClosed(1, Database.SCHEMA).boxed();
  }

  static Stream<Integer> postgresql() {
    return IntStream.rangeClosed(FIRST_OF_POSTGRESQL, Database.SCHEMA).boxed();
  }

  private static byte[] file(String name) throws IOException {
    try (var in = OldStoresTest.class.getResourceAsStream("/stores/" + name)) {
      assertThat(in).as("stores/%s, see StoreFiles", name).isNotNull();
      return in.readAllBytes();
    }
  }

  private void isRead(RunStore store) {
    List<RunRow> rows = store.runs();
    assertThat(rows)
        .extracting(row -> row.label() + row.seed() + row.status() + row.variant())
        .containsExactly(
            "head0FINISHED",
            "lora0FINISHED",
            "glora0FINISHED",
            "head1FINISHED",
            "lora1FINISHED",
            "glora1FINISHED");
    String glora = rows.get(2).id();
    assertThat(glora).startsWith("demo-glora-s0-").endsWith(rows.get(2).key().substring(0, 8));
    assertThat(rows.get(2).resolved().at("/methods/0/max_parameters").longValue()).isEqualTo(1000);
    assertThat(store.trials(glora)).hasSize(1);
    assertThat(store.trials(glora).get(0).loss()).isEqualTo(0.41);
    assertThat(store.openings(glora).get(0).mode()).isEqualTo("inherit");
    assertThat(store.lastStage(glora)).contains("search");
    assertThat(RunDocument.of(store, runs, rows.get(2)).at("/metrics/test/accuracy").doubleValue())
        .isEqualTo(0.79);

    store.record(glora, "new", Json.number(1));
    assertThat(store.leases().acquire(glora, glora, "w", java.time.Duration.ofHours(1)))
        .isPresent();
    assertThat(store.openTest(glora, "retrain", Instant.EPOCH))
        .isGreaterThan(store.openings(glora).get(0).id());
  }

  @ParameterizedTest
  @MethodSource("sqlite")
  void oldSqliteStoreIsBroughtUpToDateAndRead(int version) throws IOException, SQLException {
    Files.write(runs.resolve(SqliteDatabase.FILE), file("sqlite-v" + version + ".db"));

    try (RunStore store = RunStore.openExisting(runs).orElseThrow()) {
      isRead(store);
    }

    try (Connection connection =
            java.sql.DriverManager.getConnection(
                "jdbc:sqlite:" + runs.resolve(SqliteDatabase.FILE));
        var rows = connection.createStatement().executeQuery("pragma user_version")) {
      assertThat(rows.getInt(1)).isEqualTo(Database.SCHEMA);
    }
  }

  @ParameterizedTest
  @MethodSource("postgresql")
  void oldPostgresqlStoreIsBroughtUpToDateAndRead(int version) throws IOException, SQLException {
    try (TestDatabase server = TestDatabase.start()) {
      String url = server.create();
      try (Connection connection = server.connect(TestDatabase.database(url));
          var statement = connection.createStatement()) {
        statement.execute(
            new String(file("postgresql-v" + version + ".sql"), StandardCharsets.UTF_8));
      }

      try (RunStore store = RunStore.openExisting(runs, url).orElseThrow()) {
        isRead(store);
      }
    }
  }

  @Test
  void upgradeKilledAtAnyMomentIsFinishedByTheNextOpening() throws Exception {
    byte[] old = file("sqlite-v1.db");
    for (int statements = 1; statements <= 12; statements++) {
      Path file = runs.resolve(SqliteDatabase.FILE);
      Files.write(file, old);
      Files.deleteIfExists(runs.resolve(SqliteDatabase.FILE + "-wal"));
      Files.deleteIfExists(runs.resolve(SqliteDatabase.FILE + "-shm"));
      try (Connection connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + file);
          var statement = connection.createStatement()) {
        // What a kill leaves: the first statements of the script are done, nobody noted it.
        for (String sql : script().subList(0, Math.min(statements, script().size()))) {
          statement.execute(sql);
        }
      }
      try (RunStore store = RunStore.open(runs)) {
        isRead(store);
      }
    }
  }

  private static List<String> script() throws IOException {
    String path = "/db/migration/sqlite/V2__variants_leases_artifacts.sql";
    try (var in = SqliteDatabase.class.getResourceAsStream(path)) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Stream.of(text.replaceAll("--[^\n]*", "").split(";"))
          .map(String::strip)
          .filter(sql -> !sql.isEmpty())
          .toList();
    }
  }
}
