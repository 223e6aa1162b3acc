package dev.glora.store;

import dev.glora.experiment.PlannedRun;
import dev.glora.report.FilledStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes the stores that {@link OldStoresTest} reads, once for each schema, before the next one is
 * made: {@code StoreFiles FOLDER}. PostgreSQL's is its migration and the rows as SQL.
 */
final class StoreFiles {
  private StoreFiles() {}

  /** Writes {@code sqlite-vN.db} and {@code postgresql-vN.sql} into a folder. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    Path runs = Files.createTempDirectory("glora-store");
    fill(runs, "");
    Files.copy(
        runs.resolve(SqliteDatabase.FILE), folder.resolve("sqlite-v" + Database.SCHEMA + ".db"));
    try (TestDatabase server = TestDatabase.start()) {
      String url = server.create();
      fill(runs, url);
      try (Connection connection = server.connect(TestDatabase.database(url))) {
        Files.writeString(
            folder.resolve("postgresql-v" + Database.SCHEMA + ".sql"), dump(connection));
      }
    }
  }

  private static void fill(Path runs, String url) {
    List<PlannedRun> plan = FilledStore.fill(runs, url);
    String glora = plan.get(2).id();
    try (RunStore store = RunStore.open(runs, url)) {
      store.openTest(glora, "inherit", Instant.parse("2026-11-24T00:00:00Z"));
      store.event(glora, "STAGE", "search");
      store
          .leases()
          .acquire(glora, glora, "worker-1", Duration.ZERO)
          .ifPresent(lease -> store.claims(lease).take(List.of("k1")));
      store.addRaced(new RacedTrial(glora, 1, 0, "race" + glora, "AAI=", 0.5, 0.7, 40, "mutation"));
    }
  }

  private static String dump(Connection connection) throws SQLException, IOException {
    StringBuilder out = new StringBuilder();
    for (int version = 2; version <= Database.SCHEMA; version++) {
      out.append(migration(version));
    }
    // Parents before children.
    for (String table :
        List.of(
            "campaign",
            "run",
            "variant",
            "record",
            "trial",
            "raced_trial",
            "row_scores",
            "final",
            "test_opening",
            "event",
            "lease",
            "claim",
            "artifact",
            "run_artifact")) {
      rows(connection, table, out);
    }
    out.append(history(connection));
    return out.toString();
  }

  private static String migration(int version) throws IOException {
    String folder = "/db/migration/postgresql";
    try (var files = Files.list(Path.of(StoreFiles.class.getResource(folder).getPath()))) {
      Path file =
          files
              .filter(path -> path.getFileName().toString().startsWith("V" + version + "__"))
              .findFirst()
              .orElseThrow();
      return Files.readString(file, StandardCharsets.UTF_8);
    }
  }

  private static void rows(Connection connection, String table, StringBuilder out)
      throws SQLException {
    try (var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("select * from " + table + " order by 1")) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        List<String> values = new ArrayList<>();
        for (int i = 1; i <= columns; i++) {
          values.add(literal(rows.getObject(i)));
        }
        out.append("insert into " + table + " overriding system value values (")
            .append(String.join(", ", values))
            .append(");\n");
      }
    }
    // Numbers that were given are not given again.
    try (var statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select column_name from information_schema.columns where table_name = '"
                    + table
                    + "' and is_identity = 'YES'")) {
      while (rows.next()) {
        String column = rows.getString(1);
        out.append(
            "select setval(pg_get_serial_sequence('"
                + table
                + "', '"
                + column
                + "'), greatest(1, (select max("
                + column
                + ") from "
                + table
                + ")));\n");
      }
    }
  }

  private static String history(Connection connection) throws SQLException {
    StringBuilder out =
        new StringBuilder(
            """
            create table flyway_schema_history (
              installed_rank integer primary key, version varchar(50), description varchar(200) not null,
              type varchar(20) not null, script varchar(1000) not null, checksum integer,
              installed_by varchar(100) not null, installed_on timestamp not null default now(),
              execution_time integer not null, success boolean not null);
            """);
    rows(connection, "flyway_schema_history", out);
    return out.toString().replace(" overriding system value values", " values");
  }

  private static String literal(Object value) {
    return value == null
        ? "null"
        : value instanceof Number || value instanceof Boolean
            ? value.toString()
            : "'" + value.toString().replace("'", "''") + "'";
  }
}
