package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills, damage, full disks, other users: a sentence for each, and nothing lost. */
class DamagedStoreTest {
  @TempDir Path runs;
  private final PlannedRun planned = Runs.plan().get(0);
  private final String run = planned.id();

  private Path file() {
    return runs.resolve(SqliteDatabase.FILE);
  }

  private void fill() {
    try (RunStore store = RunStore.open(runs)) {
      store.upsert(planned);
      store.record(run, "data", Json.object().put("digest", "x"));
    }
  }

  /** Ends its process in the middle of a transaction, or right after one. */
  static final class Killed {
    private Killed() {}

    /** Writes two records; the second one is cut at the moment that the argument names. */
    public static void main(String[] arguments) {
      RunStore store = RunStore.open(Path.of(arguments[0]));
      PlannedRun planned = Runs.plan().get(0);
      store.upsert(planned);
      store.record(planned.id(), "first", Json.number(1));
      boolean after = arguments[1].equals("after");
      store.onCommit(
          (run, what, done) -> {
            if (done == after) {
              Runtime.getRuntime().halt(9);
            }
          });
      store.record(planned.id(), "second", Json.number(2));
    }
  }

  private void kill(String moment) throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Killed.class.getName(),
                runs.toString(),
                moment)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(child.exitValue()).isEqualTo(9);
  }

  @Test
  void fileInPlaceOfTheFolderIsNamed() throws IOException {
    Path file = Files.createFile(runs.resolve("file"));

    assertThatThrownBy(() -> RunStore.open(file))
        .isInstanceOf(GloraException.class)
        .hasMessageStartingWith("The folder of the runs " + file)
        .hasMessageContaining("--runs");
  }

  @Test
  void writerKilledBeforeItsCommitLosesOnlyThat() throws Exception {
    kill("before");

    try (RunStore store = RunStore.open(runs)) {
      assertThat(store.section(run, "first")).isPresent();
      assertThat(store.section(run, "second")).isEmpty();
      store.record(run, "second", Json.number(2));
      assertThat(store.section(run, "second")).isPresent();
    }
  }

  @Test
  void writerKilledAfterItsCommitLosesNothing() throws Exception {
    kill("after");

    try (RunStore store = RunStore.open(runs)) {
      assertThat(store.section(run, "second")).isPresent();
    }
  }

  @Test
  void migrationKilledBeforeItsNoteIsFinished() throws SQLException {
    fill();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
        var statement = connection.createStatement()) {
      statement.execute("drop table flyway_schema_history");
      statement.execute("pragma user_version = 0");
    }

    try (RunStore store = RunStore.open(runs)) {
      assertThat(store.section(run, "data")).isPresent();
    }
  }

  @Test
  void otherBytesAreNamed() throws IOException {
    Files.writeString(
        file(), "this is a letter, not a database, and long enough to be read as one");

    assertThatThrownBy(() -> RunStore.open(runs))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("The store " + file() + " is not a sound SQLite database")
        .extracting(e -> ((GloraException) e).code())
        .isEqualTo(ExitCode.ENVIRONMENT);
  }

  @Test
  void truncatedFileIsNamed() throws IOException {
    fill();
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / 3);
    }

    assertThatThrownBy(
            () -> {
              try (RunStore store = RunStore.open(runs)) {
                store.runs();
                store.record(run, "data", Json.object());
              }
            })
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("is not a sound SQLite database");
  }

  @Test
  void newerSchemaIsNotTouched() throws SQLException {
    fill();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
        var statement = connection.createStatement()) {
      statement.execute("pragma user_version = 99");
    }

    assertThatThrownBy(() -> RunStore.open(runs))
        .hasMessageContaining("has schema 99, newer than this glora's schema " + Database.SCHEMA);
  }

  @Test
  void fullDiskIsNamedAndWhatWasSavedIsKept() {
    fill();
    try (SqliteDatabase database = SqliteDatabase.open(runs)) {
      database.read(
          handle -> handle.createQuery("pragma max_page_count = 1").mapTo(Long.class).one());
      assertThatThrownBy(
              () ->
                  database.write(
                      run,
                      "data",
                      handle -> {
                        ResultTables.record(
                            handle, run, "large", Json.object().put("x", "y".repeat(1 << 20)));
                        return true;
                      }))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("There is no space left for the store " + file());
      int changed =
          database.write(run, "data", handle -> handle.execute("update run set reason = ''"));
      assertThat(changed).isEqualTo(1);
    }

    try (RunStore store = RunStore.open(runs)) {
      assertThat(store.section(run, "data")).isPresent();
      assertThat(store.section(run, "large")).isEmpty();
    }
  }

  @Test
  void storeHeldByAnotherProcessIsNamed() throws SQLException {
    fill();
    try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file());
        var statement = other.createStatement();
        SqliteDatabase database = SqliteDatabase.open(runs)) {
      database.read(
          handle -> handle.createQuery("pragma busy_timeout = 20").mapTo(Long.class).one());
      statement.execute("begin immediate");

      assertThatThrownBy(
              () ->
                  database.write(
                      run, "data", handle -> handle.execute("update run set reason = ''")))
          .isInstanceOf(GloraException.class)
          .hasMessageContaining("Another process has held the store " + file());
      statement.execute("rollback");
      int changed =
          database.write(run, "data", handle -> handle.execute("update run set reason = ''"));
      assertThat(changed).isEqualTo(1);
    }
  }

  @Test
  void folderWithoutStoreHasNothingToAsk() {
    assertThat(RunStore.openExisting(runs.resolve("none"))).isEmpty();
  }

  @Test
  void onlyTheOwnerReadsTheStore() throws IOException {
    fill();

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
        .isEqualTo("rw-------");
  }

  @Test
  void folderThatCannotBeWrittenIsReadAndNotWritten() throws IOException {
    fill();
    Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("r--------"));
    Files.setPosixFilePermissions(runs, PosixFilePermissions.fromString("r-x------"));
    try {
      // The superuser may write everywhere.
      assumeFalse(Files.isWritable(runs));
      try (RunStore store = RunStore.openExisting(runs).orElseThrow()) {
        assertThat(store.section(run, "data")).isPresent();
        assertThatThrownBy(() -> store.record(run, "data", Json.object()))
            .hasMessageContaining("cannot be opened for writing");
      }
      assertThatThrownBy(() -> RunStore.open(runs))
          .hasMessageContaining("cannot be opened for writing");
    } finally {
      Files.setPosixFilePermissions(runs, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void runWhoseProcessIsGoneIsInterrupted() throws IOException {
    try (RunStore store = RunStore.open(runs)) {
      store.upsert(planned);
      store.status(run, RunStatus.RUNNING, "");
      RunRow row = store.find(run).orElseThrow();
      assertThat(Liveness.status(store, runs, row)).isEqualTo(RunStatus.INTERRUPTED);

      Path lock = Files.createDirectories(runs.resolve(run)).resolve(Liveness.LOCK);
      try (FileChannel channel =
              FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          var held = channel.lock()) {
        assertThat(held.isValid()).isTrue();
        assertThat(Liveness.status(store, runs, row)).isEqualTo(RunStatus.RUNNING);
      }
      assertThat(Liveness.status(store, runs, row)).isEqualTo(RunStatus.INTERRUPTED);
    }
  }
}
