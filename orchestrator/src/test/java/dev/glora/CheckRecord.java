package dev.glora;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a slow test has found, as JSON in the folder that {@code -Dglora.record} names, if it does.
 */
public final class CheckRecord {
  private CheckRecord() {}

  /**
   * Writes what was found, in place of an earlier finding.
   *
   * @param name of the file
   * @param found what it is to hold
   */
  public static void write(String name, JsonNode found) throws IOException {
    String folder = System.getProperty("glora.record");
    if (folder != null) {
      Path file = Files.createDirectories(Path.of(folder)).resolve(name);
      Files.writeString(file, Json.pretty(found) + "\n");
    }
  }
}
