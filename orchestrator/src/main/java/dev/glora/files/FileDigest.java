package dev.glora.files;

import dev.glora.GloraException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of files. */
public final class FileDigest {
  private FileDigest() {}

  /**
   * Digest of a file's content.
   *
   * @param file a readable file
   * @return SHA-256 in lower-case hexadecimal
   */
  public static String of(Path file) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
    byte[] block = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(block); n >= 0; n = in.read(block)) {
        digest.update(block, 0, n);
      }
    } catch (IOException e) {
      throw GloraException.failed("The file " + file + " cannot be read: " + e, e);
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
