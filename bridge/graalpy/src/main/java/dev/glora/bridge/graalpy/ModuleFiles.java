package dev.glora.bridge.graalpy;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.graalvm.polyglot.io.FileSystem;

/**
 * All that Python code sees of the disk: the folders of the module path, read-only.
 *
 * <p>A link that leads out of a folder leads nowhere. Relative paths start at the root, so that the
 * process's own folder stays unknown.
 */
final class ModuleFiles implements FileSystem {

  private static final Path START = Path.of("/").toAbsolutePath();

  private final List<Path> folders = new ArrayList<>();

  ModuleFiles(List<Path> modulePath) throws IOException {
    for (Path folder : modulePath) {
      folders.add(folder);
      folders.add(folder.toRealPath());
    }
  }

  /** Returns the path to read at, or refuses it. */
  private Path inside(Path path) throws IOException {
    Path plain = toAbsolutePath(path).normalize();
    if (holds(plain)) {
      try {
        if (holds(plain.toRealPath())) {
          return plain;
        }
      } catch (NoSuchFileException e) {
        return plain; // Whatever is tried with it fails as it should.
      }
    }
    throw new AccessDeniedException(path.toString());
  }

  private boolean holds(Path path) {
    return folders.stream().anyMatch(path::startsWith);
  }

  @Override
  public Path parsePath(URI uri) {
    return Path.of(uri);
  }

  @Override
  public Path parsePath(String path) {
    return Path.of(path);
  }

  @Override
  public void checkAccess(Path path, Set<? extends AccessMode> modes, LinkOption... links)
      throws IOException {
    Path file = inside(path);
    if (modes.contains(AccessMode.WRITE)) {
      throw new AccessDeniedException(path.toString());
    }
    file.getFileSystem().provider().checkAccess(file, modes.toArray(AccessMode[]::new));
  }

  @Override
  public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
    throw new AccessDeniedException(folder.toString());
  }

  @Override
  public void delete(Path path) throws IOException {
    throw new AccessDeniedException(path.toString());
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path file = inside(path);
    for (OpenOption option : options) {
      if (option != StandardOpenOption.READ && !(option instanceof LinkOption)) {
        throw new AccessDeniedException(path.toString());
      }
    }
    return Files.newByteChannel(file, StandardOpenOption.READ);
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path folder, DirectoryStream.Filter<? super Path> filter) throws IOException {
    // Not by Files: its result is the caller's to close, as the one of this method is.
    Path inside = inside(folder);
    return inside.getFileSystem().provider().newDirectoryStream(inside, filter);
  }

  @Override
  public Path toAbsolutePath(Path path) {
    return START.resolve(path);
  }

  @Override
  public Path toRealPath(Path path, LinkOption... links) throws IOException {
    return inside(path).toRealPath(links);
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... links)
      throws IOException {
    return Files.readAttributes(inside(path), attributes, links);
  }
}
