package dev.glora.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import oshi.SystemInfo;
import oshi.software.os.OSProcess;

/**
 * The greatest resident memory of the process that Python computes in, Java and Python together.
 *
 * <p>Linux keeps a high-water mark and lets a process reset its own and its children's; elsewhere
 * the present size stands in for it.
 */
final class ProcessMemory {
  private final long pid;
  private final Path status;
  private final Path clear;

  ProcessMemory(long pid) {
    this.pid = pid;
    this.status = Path.of("/proc", Long.toString(pid), "status");
    this.clear = Path.of("/proc", Long.toString(pid), "clear_refs");
  }

  /** Starts a new measurement, where the system can. */
  void reset() {
    try {
      if (Files.isWritable(clear)) {
        Files.write(clear, "5".getBytes(StandardCharsets.US_ASCII));
      }
    } catch (IOException e) {
      // A container may forbid it: the mark then covers the process from its start, which is an
      // upper bound of the stage's peak.
      return;
    }
  }

  /** The peak since the last reset, in MiB. */
  double peakMiB() {
    OptionalLong mark = highWaterKiB();
    if (mark.isPresent()) {
      return mark.getAsLong() / 1024.0;
    }
    OSProcess process = new SystemInfo().getOperatingSystem().getProcess(Math.toIntExact(pid));
    return process == null ? 0 : process.getResidentSetSize() / (1024.0 * 1024.0);
  }

  private OptionalLong highWaterKiB() {
    if (!Files.isReadable(status)) {
      return OptionalLong.empty();
    }
    try {
      for (String line : Files.readAllLines(status)) {
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
