package dev.glora.store;

import dev.glora.GloraException;
import dev.glora.files.AtomicFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds and removes what nothing refers to.
 *
 * <ul>
 *   <li>artifacts that no run of the store has and that share their contents with no other file
 *   <li>temporary files that a killed process left, an hour old or more, in folders that nobody
 *       works on
 *   <li>on request, the checkpoints of finished runs, which their results do not need
 * </ul>
 *
 * <p>A run's folder that the store does not know is told of and left alone: it may belong to
 * another store. Whatever a kill interrupts is found again by the next call.
 */
public final class Garbage {
  private static final Pattern RUN = Pattern.compile(".+-s\\d+-[0-9a-f]{8}");
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
  private static final Duration OLD = Duration.ofHours(1);

  /**
   * Something to remove.
   *
   * @param kind {@code artifact}, {@code temporary} or {@code checkpoints}
   * @param path the file or folder
   * @param bytes the room that it takes
   */
  public record Item(String kind, Path path, long bytes) {}

  private final Database database;
  private final Artifacts artifacts;
  private final Path runs;

  Garbage(Database database, Path runs) {
    this.database = database;
    this.artifacts = new Artifacts(database, runs);
    this.runs = runs;
  }

  /**
   * Finds what may be removed. Changes nothing.
   *
   * @param checkpoints whether those of finished runs count
   * @return what there is
   */
  public List<Item> find(boolean checkpoints) {
    try {
      List<Item> items = new ArrayList<>();
      for (Path file : artifactFiles()) {
        if (unused(file)) {
          items.add(new Item("artifact", file, Files.size(file)));
        }
      }
      for (Path file : temporaries()) {
        items.add(new Item("temporary", file, Files.size(file)));
      }
      if (checkpoints) {
        for (String run : finished()) {
          Path state = runs.resolve(run).resolve("state");
          if (Files.isDirectory(state)) {
            items.add(new Item("checkpoints", state, size(state)));
          }
        }
      }
      return items;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /**
   * Lists the folders that look like a run's and that the store does not know.
   *
   * @return the folders
   */
  public List<Path> unknown() {
    Set<String> known = ids("select id from run");
    try {
      return list(runs).stream()
          .filter(Files::isDirectory)
          .filter(path -> RUN.matcher(path.getFileName().toString()).matches())
          .filter(path -> !known.contains(path.getFileName().toString()))
          .toList();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /**
   * Removes what was found, unless it is needed by now.
   *
   * @param items what {@link #find} gave
   * @return what was removed
   */
  public List<Item> remove(List<Item> items) {
    List<Item> removed = new ArrayList<>();
    for (Item item : items) {
      boolean done =
          switch (item.kind()) {
            case "artifact" -> removeArtifact(item.path());
            case "checkpoints" -> removeCheckpoints(item.path());
            default -> removeFile(item.path());
          };
      if (done) {
        removed.add(item);
      }
    }
    // Rows whose file a killed call removed.
    database.write(
        Artifacts.ALL,
        "artifact",
        handle ->
            handle
                .createQuery(
                    "select digest from artifact where digest not in (select digest from"
                        + " run_artifact)")
                .mapTo(String.class)
                .list()
                .stream()
                .filter(digest -> !Files.exists(artifacts.place(digest)))
                .mapToInt(digest -> handle.execute("delete from artifact where digest = ?", digest))
                .sum());
    return removed;
  }

  private boolean removeArtifact(Path file) {
    // In the transaction that no run can add the same contents to.
    return database.write(
        Artifacts.ALL,
        "artifact",
        handle -> {
          String digest = file.getFileName().toString();
          boolean used =
              handle
                  .createQuery("select 1 from run_artifact where digest = ? limit 1")
                  .bind(0, digest)
                  .mapTo(Integer.class)
                  .findOne()
                  .isPresent();
          if (used || shared(file)) {
            return false;
          }
          handle.execute("delete from artifact where digest = ?", digest);
          AtomicFile.delete(file);
          return true;
        });
  }

  private boolean removeCheckpoints(Path state) {
    Path run = state.getParent();
    try (FileChannel channel =
            FileChannel.open(
                run.resolve(Liveness.LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      String id = run.getFileName().toString();
      if (lock == null || !finished().contains(id)) {
        return false;
      }
      AtomicFile.delete(state);
      return true;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private static boolean removeFile(Path file) {
    AtomicFile.delete(file);
    return true;
  }

  private boolean unused(Path file) {
    String digest = file.getFileName().toString();
    return !shared(file)
        && database
            .read(
                handle ->
                    handle
                        .createQuery("select 1 from run_artifact where digest = ? limit 1")
                        .bind(0, digest)
                        .mapTo(Integer.class)
                        .findOne())
            .isEmpty();
  }

  /** Whether another name of the file exists: then it takes no room, and somebody has it. */
  private static boolean shared(Path file) {
    try {
      return Files.getAttribute(file, "unix:nlink") instanceof Integer links && links > 1;
    } catch (UnsupportedOperationException e) {
      return false;
    } catch (IOException e) {
      // Gone by now, or not to be asked: left alone.
      return true;
    }
  }

  private List<Path> artifactFiles() throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path folder : list(runs.resolve(Artifacts.FOLDER))) {
      for (Path file : list(folder)) {
        if (DIGEST.matcher(file.getFileName().toString()).matches()) {
          files.add(file);
        }
      }
    }
    return files;
  }

  private List<Path> temporaries() throws IOException {
    Instant before = Instant.now().minus(OLD);
    List<Path> files = new ArrayList<>();
    if (!Files.isDirectory(runs)) {
      return files;
    }
    Files.walkFileTree(
        runs,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            boolean atWork = Liveness.held(folder.resolve(Liveness.LOCK));
            return atWork ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String name = file.getFileName().toString();
            boolean temporary = name.startsWith(".") && name.endsWith(".tmp");
            if (temporary && attributes.lastModifiedTime().toInstant().isBefore(before)) {
              files.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return files;
  }

  private Set<String> finished() {
    return ids("select id from run where status = 'FINISHED'");
  }

  private Set<String> ids(String query) {
    return database.read(
        handle ->
            handle.createQuery(query).mapTo(String.class).stream()
                .collect(Collectors.toCollection(java.util.TreeSet::new)));
  }

  private static List<Path> list(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside.sorted().toList();
    }
  }

  private static long size(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      long sum = 0;
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sum += Files.size(file);
      }
      return sum;
    }
  }

  private GloraException unreadable(IOException error) {
    return GloraException.failed(
        "The folder "
            + runs
            + " cannot be read ("
            + Optional.ofNullable(error.getMessage()).orElse(error.toString())
            + "); check its rights and give the same command again.",
        error);
  }
}
