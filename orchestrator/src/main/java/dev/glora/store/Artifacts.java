package dev.glora.store;

import dev.glora.GloraException;
import dev.glora.files.FileDigest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The files that runs gave, by the SHA-256 of their contents: {@code <runs>/artifacts/ab/abcd…}. A
 * file is a hard link to the first run's that has these contents, so it takes no room of its own,
 * and stays when the run's folder is deleted.
 */
public final class Artifacts {
  /** Folder of the artifacts in the folder of the runs. */
  static final String FOLDER = "artifacts";

  /** All changes of artifacts come one after the other, whichever run they are about. */
  static final String ALL = "artifacts";

  private final Database database;
  private final List<Lease> held;
  private final Path folder;

  Artifacts(Database database, Path runs) {
    this(database, runs, List.of());
  }

  Artifacts(Database database, Path runs, List<Lease> held) {
    this.held = held;
    this.database = database;
    this.folder = runs.resolve(FOLDER);
  }

  /**
   * Enters a file of a run, in place of what the run had at the same path.
   *
   * @param run the run's id
   * @param root the run's folder
   * @param file a file in it, which nobody changes any more
   * @return its digest
   */
  public String add(String run, Path root, Path file) {
    String digest = FileDigest.of(file);
    String path = root.relativize(file).toString();
    // File and row in one transaction, or a clean-up in between would find the one without the
    // other.
    return database.write(
        ALL,
        "artifact",
        handle -> {
          held.forEach(lease -> Leases.check(handle, lease));
          long size = keep(file, digest);
          handle.execute(
              "insert into artifact (digest, size, added) values (?, ?, ?) on conflict (digest) do"
                  + " nothing",
              digest,
              size,
              Instant.now().toString());
          handle.execute(
              "insert into run_artifact (run, path, digest) values (?, ?, ?) on conflict (run,"
                  + " path) do update set digest = excluded.digest",
              run,
              path,
              digest);
          return digest;
        });
  }

  /**
   * Lists what a run gave.
   *
   * @param run the run's id
   * @return its artifacts by path
   */
  public List<Artifact> of(String run) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    "select run_artifact.*, artifact.size from run_artifact join artifact on"
                        + " artifact.digest = run_artifact.digest where run = ? order by path")
                .bind(0, run)
                .map((rows, context) -> artifact(rows))
                .list());
  }

  /**
   * Finds contents.
   *
   * @param digest SHA-256 in hexadecimal
   * @return the file that holds them, or nothing where there is none or it was changed
   */
  public Optional<Path> find(String digest) {
    Path file = place(digest);
    return Files.isRegularFile(file) && FileDigest.of(file).equals(digest)
        ? Optional.of(file)
        : Optional.empty();
  }

  Path place(String digest) {
    return folder.resolve(digest.substring(0, 2)).resolve(digest);
  }

  private long keep(Path file, String digest) {
    Path place = place(digest);
    try {
      if (find(digest).isEmpty()) {
        Files.createDirectories(place.getParent());
        Path temporary = place.resolveSibling("." + digest + ".tmp");
        Files.deleteIfExists(temporary);
        link(file, temporary);
        Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel channel = FileChannel.open(place.getParent(), StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
      return Files.size(place);
    } catch (IOException e) {
      throw GloraException.failed(
          "The file "
              + file
              + " cannot be kept as "
              + place
              + " ("
              + e
              + "): make room or make the folder writable, then run the same command again.",
          e);
    }
  }

  private static void link(Path file, Path temporary) throws IOException {
    try {
      Files.createLink(temporary, file);
    } catch (UnsupportedOperationException | IOException e) {
      // A disk without hard links, or as many as it can have.
      Files.copy(file, temporary);
      try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
    }
  }

  private static Artifact artifact(ResultSet rows) throws SQLException {
    return new Artifact(
        rows.getString("run"),
        rows.getString("path"),
        rows.getString("digest"),
        rows.getLong("size"));
  }
}
