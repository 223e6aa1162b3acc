package dev.glora.store;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.sql.SQLException;

/** Turns what a PostgreSQL server says into one sentence. */
final class PostgresErrors {
  private PostgresErrors() {}

  /**
   * Words an error.
   *
   * @param address the store
   * @param error what was thrown
   */
  static GloraException sentence(PostgresAddress address, Exception error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof GloraException known) {
        return known;
      }
      if (cause instanceof SQLException sql && sql.getSQLState() != null) {
        return known(address, sql, error);
      }
    }
    return GloraException.environment(
        "The store "
            + address
            + " cannot be used ("
            + text(error)
            + "); check the URL and the server.",
        error);
  }

  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  private static GloraException known(PostgresAddress address, SQLException sql, Exception error) {
    String state = sql.getSQLState();
    String store = "The store " + address;
    return switch (state.substring(0, 2)) {
      case "08", "57" ->
          GloraException.environment(
              store
                  + " cannot be reached ("
                  + text(sql)
                  + "); start the server or correct the URL, and give the same command again.",
              error);
      case "28" ->
          GloraException.environment(
              store + " refuses the user (" + text(sql) + "); correct the user and the password.",
              error);
      case "3D" ->
          GloraException.environment(
              store
                  + " is missing ("
                  + text(sql)
                  + "); make the database with createdb, or correct its name.",
              error);
      case "53" ->
          new GloraException(
              ExitCode.FAILED,
              store
                  + " has no room ("
                  + text(sql)
                  + "); free some on the server and give the same command again, what was saved is"
                  + " kept.",
              error);
      default ->
          state.equals("42501") || state.startsWith("25")
              ? GloraException.environment(
                  store
                      + " does not let this user write ("
                      + text(sql)
                      + "); grant it the rights on the database.",
                  error)
              : GloraException.failed(
                  store + " gave an error that glora does not know (" + text(sql) + ").", error);
    };
  }

  private static String text(Throwable error) {
    return String.valueOf(error.getMessage()).replaceAll("\\s+", " ").strip();
  }
}
