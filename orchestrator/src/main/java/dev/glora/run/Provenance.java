package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;

/** What a result depends on besides its inputs: Java, operating system, processor, git state. */
final class Provenance {
  private static final long GIT_SECONDS = 10;

  private Provenance() {}

  /**
   * Describes this machine and process.
   *
   * @param python what {@code glora.java.environment} returned
   * @return it, with {@code java}, {@code os}, {@code cpu} and {@code git} added
   */
  static ObjectNode describe(JsonNode python) {
    ObjectNode all = python.deepCopy();
    all.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.version"));
    all.put(
        "os",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"));
    SystemInfo system = new SystemInfo();
    CentralProcessor processor = system.getHardware().getProcessor();
    all.putObject("cpu")
        .put("name", processor.getProcessorIdentifier().getName())
        .put("cores", processor.getPhysicalProcessorCount())
        .put("threads", processor.getLogicalProcessorCount())
        .put("memory_mib", system.getHardware().getMemory().getTotal() >> 20);
    all.set("git", git());
    return all;
  }

  private static JsonNode git() {
    Optional<String> commit = git("rev-parse", "HEAD");
    if (commit.isEmpty()) {
      return Json.MAPPER.nullNode();
    }
    boolean dirty = git("status", "--porcelain").map(text -> !text.isEmpty()).orElse(false);
    return Json.object().put("commit", commit.get()).put("dirty", dirty);
  }

  /** What git prints, or nothing where there is no git, no repository or no answer in time. */
  private static Optional<String> git(String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = "git";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
              .start();
      byte[] output = process.getInputStream().readAllBytes();
      if (!process.waitFor(GIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return Optional.empty();
      }
      String text = new String(output, StandardCharsets.UTF_8).strip();
      return process.exitValue() == 0 ? Optional.of(text) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
