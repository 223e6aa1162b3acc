package dev.glora.store;

import dev.glora.GloraException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * One connection to the SQLite file, and what makes it durable and safe to share: write-ahead log,
 * a sync at each commit, a long wait for another writer, and write transactions that take their
 * lock at the start (a transaction that reads first and then wants to write could not wait).
 */
final class SqliteDatabase implements Database {
  static final String FILE = "glora.db";
  private static final int WAIT_MILLIS = 60_000;

  private final Path file;
  private final Connection connection;
  private final Handle handle;
  // One connection serves all threads, so each transaction has it alone.
  private final ReentrantLock lock = new ReentrantLock();
  private CommitListener listener = (run, what, done) -> {};

  private SqliteDatabase(Path file, Connection connection) {
    this.file = file;
    this.connection = connection;
    this.handle = Jdbi.create(connection).open();
  }

  static SqliteDatabase open(Path runs) {
    Path file = runs.resolve(FILE);
    try {
      Files.createDirectories(runs);
      create(file);
      Connection connection = connect(file, false, false);
      try {
        migrate(runs, file, connection);
        return new SqliteDatabase(file, connection);
      } catch (SQLException | RuntimeException e) {
        connection.close();
        throw e;
      }
    } catch (IOException e) {
      throw StoreErrors.folder(runs, e);
    } catch (SQLException | FlywayException e) {
      throw StoreErrors.sentence(file, e);
    }
  }

  static Optional<SqliteDatabase> openExisting(Path runs) {
    Path file = runs.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    if (Files.isWritable(file) && Files.isWritable(runs)) {
      return Optional.of(open(runs));
    }
    try {
      // Beside a folder that cannot be written SQLite cannot make the log's index: the file is read
      // as if nobody wrote it, which holds as far as this user can tell.
      Connection connection = connect(file, true, !Files.isWritable(runs));
      int version = version(connection);
      if (version != SCHEMA) {
        connection.close();
        throw GloraException.environment(
            file
                + " has schema "
                + version
                + " and cannot be written, but this glora reads schema "
                + SCHEMA
                + "; copy the folder to where you may write.");
      }
      return Optional.of(new SqliteDatabase(file, connection));
    } catch (SQLException e) {
      throw StoreErrors.sentence(file, e);
    }
  }

  @Override
  public void onCommit(CommitListener newListener) {
    lock.lock();
    try {
      listener = newListener;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public <T> T read(Function<Handle, T> work) {
    lock.lock();
    try {
      return work.apply(handle);
    } catch (JdbiException e) {
      throw StoreErrors.sentence(file, e);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public <T> T write(String run, String what, Function<Handle, T> work) {
    lock.lock();
    try {
      T result = transaction(run, what, work);
      listener.commit(run, what, true);
      return result;
    } catch (JdbiException e) {
      throw StoreErrors.sentence(file, e);
    } finally {
      lock.unlock();
    }
  }

  // Written out, since JDBC's way cannot take the lock first: it begins with the first statement,
  // and
  // is left in the middle of nowhere when that one does not get the lock.
  private <T> T transaction(String run, String what, Function<Handle, T> work) {
    handle.execute("begin immediate");
    try {
      T value = work.apply(handle);
      listener.commit(run, what, false);
      handle.execute("commit");
      return value;
    } catch (RuntimeException | Error e) {
      try {
        handle.execute("rollback");
      } catch (JdbiException gone) {
        // A full disk has rolled it back already.
        e.addSuppressed(gone);
      }
      throw e;
    }
  }

  @Override
  public String clock() {
    return "cast(unixepoch('subsec') * 1000 as integer)";
  }

  @Override
  public void close() {
    lock.lock();
    try {
      handle.close();
      connection.close();
    } catch (SQLException | JdbiException e) {
      throw StoreErrors.sentence(file, e);
    } finally {
      lock.unlock();
    }
  }

  /** Makes an empty file that only its owner reads; SQLite gives its log the same rights. */
  private static void create(Path file) throws IOException {
    if (Files.exists(file)) {
      return;
    }
    try {
      if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        Files.createFile(
            file,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      } else {
        Files.createFile(file);
      }
    } catch (FileAlreadyExistsException e) {
      // Another process was first, which is as good.
      return;
    }
  }

  private static Connection connect(Path file, boolean readOnly, boolean immutable)
      throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setBusyTimeout(WAIT_MILLIS);
    config.enforceForeignKeys(true);
    if (readOnly) {
      config.setReadOnly(true);
    } else {
      config.setJournalMode(SQLiteConfig.JournalMode.WAL);
      config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    }
    SQLiteDataSource source = new SQLiteDataSource(config);
    String address = file.toAbsolutePath().toUri().getRawPath();
    source.setUrl("jdbc:sqlite:file:" + address + (immutable ? "?immutable=1" : ""));
    return source.getConnection();
  }

  /**
   * Flyway takes longer than a query may, so it is asked only when the schema is not the newest.
   */
  private static void migrate(Path runs, Path file, Connection connection)
      throws SQLException, IOException {
    if (version(connection) == SCHEMA) {
      return;
    }
    // SQLite gives Flyway no lock that spans its steps: two first commands at once wait here.
    Path lockFile = runs.resolve("glora.db.lock");
    try (FileChannel channel =
            FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = channel.lock()) {
      int version = version(connection);
      if (version > SCHEMA) {
        throw GloraException.environment(
            file
                + " has schema "
                + version
                + ", newer than this glora's schema "
                + SCHEMA
                + "; use the glora that made it, or another --runs folder.");
      }
      if (version < SCHEMA && held.isValid()) {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout(WAIT_MILLIS);
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:file:" + file.toAbsolutePath().toUri().getRawPath());
        Flyway.configure(SqliteDatabase.class.getClassLoader())
            .dataSource(source)
            .locations("classpath:db/migration/sqlite")
            .baselineOnMigrate(true)
            .baselineVersion("0")
            .load()
            .migrate();
      }
    }
  }

  private static int version(Connection connection) throws SQLException {
    try (var statement = connection.createStatement();
        var rows = statement.executeQuery("pragma user_version")) {
      rows.next();
      return rows.getInt(1);
    }
  }
}
