package dev.glora.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import dev.glora.GloraException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;

/** A PostgreSQL database, of this machine or another, that many processes write to at once. */
final class PostgresDatabase implements Database {
  private static final int CONNECTIONS = 4;
  private static final int WAIT_MILLIS = 15_000;

  private final PostgresAddress address;
  private final HikariDataSource source;
  private final Jdbi jdbi;
  private final AtomicReference<CommitListener> listener =
      new AtomicReference<>((run, what, done) -> {});

  private PostgresDatabase(PostgresAddress address, HikariDataSource source) {
    this.address = address;
    this.source = source;
    this.jdbi = Jdbi.create(source);
  }

  /**
   * Connects, and makes the tables or brings them up to date.
   *
   * @param address where the database is
   */
  static PostgresDatabase open(PostgresAddress address) {
    PostgresDatabase database = connect(address);
    try {
      database.migrate();
      return database;
    } catch (RuntimeException e) {
      database.close();
      throw database.sentence(e);
    }
  }

  /**
   * Connects where there are tables already.
   *
   * @param address where the database is
   */
  static Optional<PostgresDatabase> openExisting(PostgresAddress address) {
    PostgresDatabase database = connect(address);
    try {
      if (database.version() == 0) {
        database.close();
        return Optional.empty();
      }
      database.migrate();
      return Optional.of(database);
    } catch (RuntimeException e) {
      database.close();
      throw database.sentence(e);
    }
  }

  private static PostgresDatabase connect(PostgresAddress address) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("glora");
    config.setJdbcUrl(address.jdbc());
    address.user().ifPresent(config::setUsername);
    address.password().ifPresent(config::setPassword);
    config.setMaximumPoolSize(CONNECTIONS);
    config.setMinimumIdle(0);
    config.setConnectionTimeout(WAIT_MILLIS);
    config.addDataSourceProperty("ApplicationName", "glora");
    try {
      return new PostgresDatabase(address, new HikariDataSource(config));
    } catch (HikariPool.PoolInitializationException e) {
      throw PostgresErrors.sentence(address, e);
    }
  }

  /**
   * Flyway takes longer than a query may, so it is asked only when the tables are not the newest.
   */
  private void migrate() {
    int version = version();
    if (version > SCHEMA) {
      throw GloraException.environment(
          "The store "
              + address
              + " has schema "
              + version
              + ", newer than this glora's schema "
              + SCHEMA
              + "; use the glora that made it, or another store.");
    }
    if (version < SCHEMA) {
      Flyway.configure(PostgresDatabase.class.getClassLoader())
          .dataSource(source)
          .locations("classpath:db/migration/postgresql")
          .load()
          .migrate();
    }
  }

  private int version() {
    return read(
        handle -> {
          boolean there =
              handle
                  .createQuery("select to_regclass('flyway_schema_history') is not null")
                  .mapTo(Boolean.class)
                  .one();
          return there
              ? handle
                  .createQuery(
                      "select coalesce(max(cast(version as integer)), 0) from"
                          + " flyway_schema_history where success")
                  .mapTo(Integer.class)
                  .one()
              : 0;
        });
  }

  @Override
  public void onCommit(CommitListener newListener) {
    listener.set(newListener);
  }

  @Override
  public <T> T read(Function<Handle, T> work) {
    try (Handle handle = jdbi.open()) {
      return work.apply(handle);
    } catch (JdbiException e) {
      throw sentence(e);
    }
  }

  @Override
  public <T> T write(String run, String what, Function<Handle, T> work) {
    try (Handle handle = jdbi.open()) {
      T result =
          handle.inTransaction(
              own -> {
                // Held to the end of the transaction; of a run, so that runs do not wait for each
                // other.
                own.createQuery("select pg_advisory_xact_lock(hashtextextended(?, 0))")
                    .bind(0, run)
                    .map((rows, context) -> "")
                    .one();
                T value = work.apply(own);
                listener.get().commit(run, what, false);
                return value;
              });
      listener.get().commit(run, what, true);
      return result;
    } catch (JdbiException e) {
      throw sentence(e);
    }
  }

  @Override
  public String clock() {
    return "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
  }

  @Override
  public void close() {
    source.close();
  }

  private GloraException sentence(RuntimeException error) {
    return error instanceof GloraException known
        ? known
        : error instanceof JdbiException || error instanceof FlywayException
            ? PostgresErrors.sentence(address, error)
            : GloraException.failed("The store " + address + " failed: " + error, error);
  }
}
