package dev.glora.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files that live in memory where the system has such a place, for tensors that two processes share
 * or that are too large for one Java buffer.
 *
 * <p>They lie in a folder that belongs to this process and that only its user may enter. A lock in
 * it is held as long as the process lives, so that another process can tell what a dead one left,
 * and sweep it. A file's blocks are written before anyone maps it: a page of a sparse mapping that
 * the disk has no room for would end the process.
 */
final class SharedMemory {

  private static final Logger LOG = LoggerFactory.getLogger(SharedMemory.class);

  private static final String PREFIX = "glora-memory-";
  private static final String UNFINISHED = "glora-memory.new-";
  private static final Duration UNFINISHED_IS_DEAD = Duration.ofHours(1);
  private static final String LOCK = "lock";
  private static final int CHUNK = 8 << 20;

  private static final FileAttribute<Set<PosixFilePermission>> OWN_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWN_FOLDER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private static final List<SharedMemory> FOLDERS = new ArrayList<>();

  private final Path folder;

  @SuppressWarnings("unused") // Held, not read: it falls with the process.
  private final FileLock lock;

  private SharedMemory(Path folder, FileLock lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * Makes a file of zeros of this size, in memory if there is room, else in the folder for
   * temporary files.
   *
   * @throws OutOfDeviceMemoryException if there is room nowhere
   */
  static Path create(String tensorName, long bytes) {
    IOException last = null;
    for (Path place : places()) {
      try {
        return in(place).write(bytes);
      } catch (IOException e) {
        if (last != null) {
          e.addSuppressed(last);
        }
        last = e;
      }
    }
    throw new OutOfDeviceMemoryException(
        ("There is no room for the %d bytes of tensor \"%s\" in %s (%s): free some, or name another"
                + " folder for temporary files by -Djava.io.tmpdir.")
            .formatted(bytes, tensorName, places(), reason(last)),
        last);
  }

  /** Removes a file; whoever has mapped it keeps its memory. */
  static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("The file {} of a closed tensor could not be removed: {}", file, e.toString());
    }
  }

  private static String reason(IOException e) {
    String reason = e instanceof FileSystemException file ? file.getReason() : e.getMessage();
    return reason == null ? e.toString() : reason;
  }

  /** Where files may lie, the best place first. */
  private static List<Path> places() {
    List<Path> places = new ArrayList<>();
    Path memory = Path.of("/dev/shm");
    if (Files.isDirectory(memory) && Files.isWritable(memory)) {
      places.add(memory);
    }
    places.add(Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath());
    return places;
  }

  private static SharedMemory in(Path place) throws IOException {
    synchronized (FOLDERS) {
      for (SharedMemory known : FOLDERS) {
        if (known.folder.getParent().equals(place)) {
          return known;
        }
      }
      sweep(place);
      SharedMemory made = make(place);
      if (FOLDERS.isEmpty()) {
        Runtime.getRuntime().addShutdownHook(new Thread(SharedMemory::removeAll));
      }
      FOLDERS.add(made);
      return made;
    }
  }

  private static SharedMemory make(Path place) throws IOException {
    String id = UUID.randomUUID().toString();
    // Under another name until its lock is held: a sweep would take an unlocked folder for dead.
    Path unfinished = Files.createDirectory(place.resolve(UNFINISHED + id), OWN_FOLDER);
    Path lockFile = Files.createFile(unfinished.resolve(LOCK), OWN_FILE);
    FileLock lock = FileChannel.open(lockFile, StandardOpenOption.WRITE).lock();
    Path folder = place.resolve(PREFIX + id);
    Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
    return new SharedMemory(folder, lock);
  }

  private Path write(long bytes) throws IOException {
    Path file = Files.createFile(folder.resolve(UUID.randomUUID().toString()), OWN_FILE);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(bytes, CHUNK));
      for (long left = bytes; left > 0; ) {
        zeros.clear().limit((int) Math.min(left, CHUNK));
        left -= channel.write(zeros);
      }
      return file;
    } catch (IOException | RuntimeException | Error e) {
      delete(file);
      throw e;
    }
  }

  /** Removes what processes left that ended without being able to. */
  private static void sweep(Path place) {
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(place, "glora-memory*")) {
      for (Path folder : folders) {
        try {
          if (isDead(folder)) {
            remove(folder);
          }
        } catch (IOException e) {
          LOG.debug("{} of another process is left alone: {}", folder, e.toString());
        }
      }
    } catch (IOException e) {
      LOG.debug("{} was not swept: {}", place, e.toString());
    }
  }

  private static boolean isDead(Path folder) throws IOException {
    if (folder.getFileName().toString().startsWith(UNFINISHED)) {
      Instant made = Files.getLastModifiedTime(folder).toInstant();
      return made.isBefore(Instant.now().minus(UNFINISHED_IS_DEAD));
    }
    try (FileChannel channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (NoSuchFileException e) {
      return true; // A removal that was cut short.
    }
  }

  private static void removeAll() {
    synchronized (FOLDERS) {
      for (SharedMemory memory : FOLDERS) {
        try {
          remove(memory.folder);
        } catch (IOException e) {
          LOG.debug("{} stays until the next sweep: {}", memory.folder, e.toString());
        }
      }
    }
  }

  /** Removes a folder, its lock last. */
  private static void remove(Path folder) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (!file.getFileName().toString().equals(LOCK)) {
          Files.deleteIfExists(file);
        }
      }
    }
    Files.deleteIfExists(folder.resolve(LOCK));
    Files.deleteIfExists(folder);
  }
}
