package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.files.AtomicFile;
import dev.glora.files.FileDigest;
import dev.glora.report.RunDocument;
import dev.glora.store.RunRow;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/** Copies what a run made to where others read it, checked against the digests of the run. */
final class Export {
  private final RunStore store;
  private final Path runs;
  private final RunRow row;

  Export(RunStore store, Path runs, RunRow row) {
    this.store = store;
    this.runs = runs;
    this.row = row;
  }

  /**
   * Exports.
   *
   * @param format {@code hf}, {@code peft} or {@code safetensors}
   * @param mode the final, or null for the primary one
   * @param output a folder that is not there, or is empty
   */
  Answer write(String format, String mode, Path output) {
    JsonNode last = last(mode);
    String name = last.path("mode").asText();
    Path home = runs.resolve(row.id()).resolve("final-" + name);
    Path from =
        switch (format) {
          case "hf" -> home.resolve("model");
          case "safetensors" -> home.resolve("adapter");
          case "peft" -> peft(home.resolve("adapter"));
          default ->
              throw GloraException.usage(
                  "There is no format \""
                      + format
                      + "\" of exports; expected hf, peft or safetensors.");
        };
    if (!Files.isDirectory(from)) {
      throw GloraException.failed(
          "The run "
              + row.id()
              + " has no folder "
              + from
              + " (a bundle carries merged models only with --models); glora reproduce "
              + row.id()
              + " makes it again.");
    }
    String digest = last.path("digests").path(format.equals("hf") ? "merged" : "adapter").asText();
    List<Path> files = files(from);
    if (files.stream().noneMatch(file -> FileDigest.of(file).equals(digest))) {
      throw GloraException.failed(
          "No file in "
              + from
              + " has the run's digest "
              + digest
              + ", so they were changed; glora"
              + " reproduce "
              + row.id()
              + " makes them again.");
    }
    copy(from, files, output);
    ObjectNode answer =
        Json.object()
            .put("run", row.id())
            .put("final", name)
            .put("format", format)
            .put("output", output.toString())
            .put("digest", digest);
    files.forEach(file -> answer.withArray("files").add(from.relativize(file).toString()));
    return Answer.of(answer, output + ": " + files.size() + " files of the final " + name + "\n");
  }

  private JsonNode last(String mode) {
    JsonNode finals = RunDocument.of(store, runs, row).path("finals");
    StringBuilder modes = new StringBuilder();
    for (JsonNode each : finals) {
      String name = each.path("mode").asText();
      if (mode == null ? each.path("primary").asBoolean() : mode.equals(name)) {
        return each;
      }
      modes.append(modes.isEmpty() ? "" : ", ").append(name);
    }
    throw GloraException.usage(
        "The run "
            + row.id()
            + " has no "
            + (mode == null ? "primary final yet" : "final \"" + mode + "\"")
            + "; it has "
            + (modes.isEmpty() ? "none" : modes)
            + ".");
  }

  /** PEFT's own files, which methods of PEFT leave. */
  private Path peft(Path adapter) {
    if (Files.isDirectory(adapter) && !Files.exists(adapter.resolve("adapter_config.json"))) {
      throw GloraException.usage(
          "The adapter of a run of "
              + row.method()
              + " has no form of PEFT's; export it as safetensors, or the merged model as hf.");
    }
    return adapter;
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw GloraException.failed("The folder " + folder + " cannot be read: " + e, e);
    }
  }

  private static void copy(Path from, List<Path> files, Path output) {
    Path target = output.toAbsolutePath();
    Path temporary = target.resolveSibling("." + target.getFileName() + ".tmp");
    try {
      if (Files.exists(target) && !(Files.isDirectory(target) && empty(target))) {
        throw GloraException.usage(
            "The folder " + output + " is there and not empty; name another one with --output.");
      }
      AtomicFile.delete(temporary);
      Files.createDirectories(temporary);
      for (Path file : files) {
        Path to = temporary.resolve(from.relativize(file).toString());
        Files.createDirectories(to.getParent());
        Files.copy(file, to);
      }
      Files.deleteIfExists(target);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      AtomicFile.delete(temporary);
      throw GloraException.failed(
          "The folder "
              + output
              + " cannot be written ("
              + e.getMessage()
              + "); make room or name"
              + " another one with --output.",
          e);
    }
  }

  private static boolean empty(Path folder) throws IOException {
    try (Stream<Path> inside = Files.list(folder)) {
      return inside.findAny().isEmpty();
    }
  }
}
