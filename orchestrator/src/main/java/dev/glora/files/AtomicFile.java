package dev.glora.files;

import dev.glora.GloraException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes files that a reader sees whole or not at all, also after a kill or a power cut: written
 * beside their place, flushed to the disk, renamed.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /**
   * Writes a text in UTF-8, in place of what the file held.
   *
   * @param file the file; its folder is made when missing
   * @param text its contents
   */
  public static void write(Path file, String text) {
    write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Writes bytes, in place of what the file held.
   *
   * @param file the file; its folder is made when missing
   * @param contents its contents
   */
  public static void write(Path file, byte[] contents) {
    Path folder = file.toAbsolutePath().getParent();
    Path temporary = folder.resolve("." + file.getFileName() + ".tmp");
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        ByteBuffer bytes = ByteBuffer.wrap(contents);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      // The new name is on the disk only when its folder is.
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    } catch (IOException e) {
      throw GloraException.failed(
          "The file "
              + file
              + " cannot be written ("
              + reason(e)
              + "): make room or make the folder writable, then run the same command again.",
          e);
    }
  }

  /**
   * Deletes a file or a folder with everything in it, if it is there.
   *
   * @param path what to delete; links in it are deleted, not followed
   */
  public static void delete(Path path) {
    try {
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        try (var inside = Files.newDirectoryStream(path)) {
          for (Path each : inside) {
            delete(each);
          }
        }
      }
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw GloraException.failed(
          "The path " + path + " cannot be deleted (" + reason(e) + "): delete it by hand.", e);
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
