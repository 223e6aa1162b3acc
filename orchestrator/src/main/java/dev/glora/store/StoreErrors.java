package dev.glora.store;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.sql.SQLException;
import java.util.Locale;

/** Turns what the database and the disk say into one sentence. */
final class StoreErrors {
  private StoreErrors() {}

  /** The folder that is to hold the store is none and cannot be made. */
  static GloraException folder(Path runs, IOException error) {
    String text = String.valueOf(root(error).getMessage());
    if (text.toLowerCase(Locale.ROOT).contains("no space left")) {
      return full(runs, error);
    }
    return GloraException.environment(
        "The folder of the runs "
            + runs
            + " cannot be made or written ("
            + error.getClass().getSimpleName()
            + "); make it writable, or name another folder with --runs.",
        error);
  }

  static GloraException sentence(Path file, Exception error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof GloraException known) {
        return known;
      }
      if (cause instanceof AccessDeniedException || cause instanceof ReadOnlyFileSystemException) {
        return readOnly(file, error);
      }
      if (cause instanceof SQLException sql) {
        GloraException known = known(file, sql, error);
        if (known != null) {
          return known;
        }
      }
    }
    String text = String.valueOf(root(error).getMessage()).replaceAll("\\s+", " ").strip();
    if (text.toLowerCase(Locale.ROOT).contains("no space left")) {
      return full(file, error);
    }
    return GloraException.failed(
        "The store " + file + " gave an error that glora does not know (" + text + ").", error);
  }

  // sqlite-jdbc gives the extended result code; its low byte is the primary one.
  private static GloraException known(Path file, SQLException sql, Exception error) {
    return switch (sql.getErrorCode() & 0xff) {
      case 13 -> full(file, error);
      case 5, 6 ->
          new GloraException(
              ExitCode.FAILED,
              "Another process has held the store "
                  + file
                  + " for over a minute; wait for it or end it, and give the same command again.",
              error);
      case 11, 26 ->
          GloraException.environment(
              "The store "
                  + file
                  + " is not a sound SQLite database ("
                  + text(sql)
                  + "); restore it from a copy, or move it away to start an empty one.",
              error);
      case 3, 8, 14, 23 -> readOnly(file, error);
      case 10 ->
          GloraException.environment(
              "The disk could not read or write the store "
                  + file
                  + " ("
                  + text(sql)
                  + "); check the disk and give the same command again.",
              error);
      default -> null;
    };
  }

  private static GloraException full(Path file, Exception error) {
    return GloraException.failed(
        "There is no space left for the store "
            + file
            + "; free some and give the same command again, what was saved is kept.",
        error);
  }

  private static GloraException readOnly(Path file, Exception error) {
    return GloraException.environment(
        "The store "
            + file
            + " cannot be opened for writing; make it and its folder writable, or name another folder"
            + " with --runs.",
        error);
  }

  private static Throwable root(Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static String text(SQLException sql) {
    return sql.getMessage().replaceAll("\\s+", " ").strip();
  }
}
