package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.files.AtomicFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A run's folder, held by one process at a time.
 *
 * <pre>
 *     experiment.json   what the run's key is the digest of
 *     run.log           what happened, with stack traces
 *     lock              held while a process works on the run
 *     state/            checkpoints, and stages/ with a file for each finished stage
 *     structure.json    the search's winner
 *     final-MODE/       adapter/ and model/
 *     report.md
 * </pre>
 */
final class RunFolder implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  private RunFolder(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Makes the folder when missing and takes its lock.
   *
   * @param runs folder of the runs
   * @param run the run's id
   * @return the folder, to be closed by the caller
   */
  static RunFolder lock(Path runs, String run) {
    Path path = runs.resolve(run);
    try {
      Files.createDirectories(path);
      FileChannel channel =
          FileChannel.open(
              path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!tryLock(channel)) {
        channel.close();
        throw GloraException.failed(
            "Another process works on the run "
                + run
                + ": wait for it, or end it first; both would give the same result.");
      }
      return new RunFolder(path, channel);
    } catch (IOException e) {
      throw GloraException.failed(
          "The run's folder " + path + " cannot be used (" + e + "): make it writable.", e);
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  Path path() {
    return path;
  }

  Path state() {
    return path.resolve("state");
  }

  Path stages() {
    return state().resolve("stages");
  }

  Path adapter(String mode) {
    return path.resolve("final-" + mode).resolve("adapter");
  }

  Path model(String mode) {
    return path.resolve("final-" + mode).resolve("model");
  }

  Path predictions(String mode) {
    return path.resolve("final-" + mode).resolve("test-predictions.jsonl");
  }

  /** Files that the run gives: its structure, and adapter and model of each final. */
  List<Path> results() {
    List<Path> files = new ArrayList<>();
    Path structure = path.resolve("structure.json");
    if (Files.isRegularFile(structure)) {
      files.add(structure);
    }
    try (var finals = Files.newDirectoryStream(path, "final-*")) {
      for (Path each : finals) {
        try (Stream<Path> inside = Files.walk(each)) {
          inside.filter(Files::isRegularFile).sorted().forEach(files::add);
        }
      }
    } catch (IOException e) {
      throw GloraException.failed("The run's folder " + path + " cannot be read: " + e, e);
    }
    return files;
  }

  /** Deletes everything computed, for a run that starts anew. */
  void clear() {
    AtomicFile.delete(state());
    try (var finals = Files.newDirectoryStream(path, "final-*")) {
      for (Path each : finals) {
        AtomicFile.delete(each);
      }
    } catch (IOException e) {
      throw GloraException.failed("The run's folder " + path + " cannot be read: " + e, e);
    }
  }

  /** Lets go of the lock. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw GloraException.failed("The lock of " + path + " cannot be released: " + e, e);
    }
  }
}
