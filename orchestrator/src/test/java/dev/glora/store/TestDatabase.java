package dev.glora.store;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * A PostgreSQL server for the tests of a class: in a container where there is Docker, else the
 * embedded binaries. These refuse to run as the superuser; they are started in a user namespace
 * then, which is all that {@code unshare} needs to be allowed.
 */
final class TestDatabase implements AutoCloseable {
  private static final AtomicInteger COUNTER = new AtomicInteger();

  private final EmbeddedPostgres embedded;
  private final PostgreSQLContainer container;
  private String filled;

  private TestDatabase(EmbeddedPostgres embedded, PostgreSQLContainer container) {
    this.embedded = embedded;
    this.container = container;
  }

  static TestDatabase start() {
    if (DockerClientFactory.instance().isDockerAvailable()) {
      PostgreSQLContainer container = new PostgreSQLContainer("postgres:14-alpine");
      container.start();
      return new TestDatabase(null, container);
    }
    try {
      return new TestDatabase(EmbeddedPostgres.start(), null);
    } catch (IOException e) {
      throw new UncheckedIOException("There is neither Docker nor a PostgreSQL that starts", e);
    }
  }

  /** Makes an empty database. */
  String create() throws SQLException {
    return create("template1");
  }

  /** Makes a database that has the tables. */
  synchronized String createWithTables(Path runs) throws SQLException {
    if (filled == null) {
      filled = create();
      RunStore.open(runs, filled).close();
    }
    return create(database(filled));
  }

  private String create(String template) throws SQLException {
    String name = "glora" + COUNTER.incrementAndGet();
    try (Connection connection = connect("postgres");
        var statement = connection.createStatement()) {
      statement.execute("create database " + name + " template " + template);
    }
    return url(name);
  }

  /** Name of the database that a URL leads to. */
  static String database(String url) {
    return url.substring(url.lastIndexOf('/') + 1);
  }

  String url(String database) {
    return container == null
        ? "postgresql://postgres@localhost:" + embedded.getPort() + "/" + database
        : "postgresql://"
            + container.getUsername()
            + ":"
            + container.getPassword()
            + "@"
            + container.getHost()
            + ":"
            + container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT)
            + "/"
            + database;
  }

  Connection connect(String database) throws SQLException {
    PostgresAddress address = PostgresAddress.of(url(database));
    return DriverManager.getConnection(
        address.jdbc(), address.user().orElseThrow(), address.password().orElse(""));
  }

  @Override
  public void close() throws IOException {
    if (container == null) {
      embedded.close();
    } else {
      container.stop();
    }
  }
}
