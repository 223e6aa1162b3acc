package dev.glora.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import oshi.SystemInfo;

/**
 * The greatest resident memory of this process, Java and Python together.
 *
 * <p>Linux keeps a high-water mark and lets a process reset its own; elsewhere the present size
 * stands in for it.
 */
final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private ProcessMemory() {}

  /** Starts a new measurement, where the system can. */
  static void reset() {
    try {
      if (Files.isWritable(CLEAR)) {
        Files.write(CLEAR, "5".getBytes(StandardCharsets.US_ASCII));
      }
    } catch (IOException e) {
      // A container may forbid it: the mark then covers the process from its start, which is an
      // upper bound of the stage's peak.
      return;
    }
  }

  /** The peak since the last reset, in MiB. */
  static double peakMiB() {
    OptionalLong mark = highWaterKiB();
    if (mark.isPresent()) {
      return mark.getAsLong() / 1024.0;
    }
    long bytes = new SystemInfo().getOperatingSystem().getCurrentProcess().getResidentSetSize();
    return bytes / (1024.0 * 1024.0);
  }

  private static OptionalLong highWaterKiB() {
    if (!Files.isReadable(STATUS)) {
      return OptionalLong.empty();
    }
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmHWM:")) {
          return OptionalLong.of(Long.parseLong(line.replaceAll("[^0-9]", "")));
        }
      }
    } catch (IOException e) {
      return OptionalLong.empty();
    }
    return OptionalLong.empty();
  }
}
