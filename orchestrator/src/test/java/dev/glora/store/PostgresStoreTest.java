package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PostgreSQL does what every store must, and says what is wrong with a server. */
class PostgresStoreTest {
  private static TestDatabase server;

  @TempDir Path runs;

  @BeforeAll
  static void start() {
    server = TestDatabase.start();
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
  }

  @Nested
  class RunsAndResults extends RunStoreContract {
    @Override
    String url() throws SQLException {
      return server.createWithTables(runs);
    }

    @Override
    String empty() throws SQLException {
      return server.create();
    }
  }

  @Nested
  class LeasesToo extends LeaseContract {
    @Override
    String url() throws SQLException {
      return server.createWithTables(runs);
    }
  }

  @Test
  void newerSchemaIsNotTouched() throws SQLException {
    String url = server.create();
    RunStore.open(runs, url).close();
    try (Connection connection = server.connect(TestDatabase.database(url));
        var statement = connection.createStatement()) {
      statement.execute("update flyway_schema_history set version = '99' where version = '2'");
    }

    assertThatThrownBy(() -> RunStore.open(runs, url))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("has schema 99, newer than this glora's schema " + Database.SCHEMA);
  }

  @Test
  void missingDatabaseAndServerAreNamedWithoutThePassword() {
    String none = server.url("none").replace("postgres@", "postgres:secret@");
    assertThatThrownBy(() -> RunStore.open(runs, none))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("is missing (")
        .hasMessageContaining("make the database with createdb")
        .hasMessageNotContaining("secret")
        .extracting(e -> ((GloraException) e).code())
        .isEqualTo(ExitCode.ENVIRONMENT);
    assertThatThrownBy(() -> RunStore.open(runs, "postgresql://u:secret@localhost:1/x"))
        .hasMessageStartingWith("The store postgresql://localhost:1/x cannot be reached (")
        .hasMessageNotContaining("secret");
  }

  @Test
  void serverThatGoesAwayIsNamedAndComesBack() throws Exception {
    String url = server.create();
    try (RunStore store = RunStore.open(runs, url)) {
      store.upsert(Runs.plan().get(0));
      try (Connection connection = server.connect("postgres");
          var statement = connection.createStatement()) {
        statement.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '"
                + TestDatabase.database(url)
                + "'");
      }
      // Each connection that was open tells once that it is gone.
      int told = 0;
      while (true) {
        try {
          assertThat(store.runs()).hasSize(1);
          break;
        } catch (GloraException e) {
          assertThat(e).hasMessageContaining("cannot be reached");
          assertThat(++told).isLessThan(10);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mysql://u:secret@h/d",
        "postgresql:///d",
        "postgresql://host",
        "postgresql://host/",
        "secret",
        "postgresql://u:sec ret@h/d",
      })
  void otherTextIsNoUrlAndIsNotRepeated(String url) {
    assertThatThrownBy(() -> RunStore.open(runs, url))
        .isInstanceOf(GloraException.class)
        .hasMessageStartingWith("The store's URL cannot be read")
        .hasMessageNotContaining("secret")
        .extracting(e -> ((GloraException) e).code())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void passwordMayHoldAnySign() {
    PostgresAddress address =
        PostgresAddress.of("postgres://me:a%40b%2Fc+d@h:5/db?sslmode=require");

    assertThat(address.jdbc()).isEqualTo("jdbc:postgresql://h:5/db?sslmode=require");
    assertThat(address.user()).contains("me");
    assertThat(address.password()).contains("a@b/c+d");
    assertThat(address).hasToString("postgresql://h:5/db");
  }
}
