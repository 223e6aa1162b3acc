package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.files.AtomicFile;
import dev.glora.files.FileDigest;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes a run into one file: a zip of {@code bundle.json} (format and version, the run's rows of
 * the store, and name, size and SHA-256 of every other entry), the run's files under {@code run/},
 * and under {@code sources/} what it read by {@code local:}. Checkpoints stay behind, and merged
 * models too unless they are asked for: reproducing makes both again.
 */
final class BundleWriter {
  static final String FORMAT = "glora-bundle";
  static final int VERSION = 1;
  static final String MANIFEST = "bundle.json";
  static final String RUN = "run/";
  static final String SOURCES = "sources/";

  /** Of the machine and not of the run, or made anew from the rest. */
  private static final Set<String> LEFT_BEHIND =
      Set.of("state", "lock", "run.log", "plots", "report.md", "sources", Reproduction.FOLDER);

  private final RunStore store;
  private final Path runs;
  private final RunRow row;

  BundleWriter(RunStore store, Path runs, RunRow row) {
    this.store = store;
    this.runs = runs;
    this.row = row;
    if (row.status() != RunStatus.FINISHED) {
      throw GloraException.usage(
          "The run "
              + row.id()
              + " is not finished, so it cannot be bundled; glora resume "
              + row.id()
              + " finishes it.");
    }
  }

  /**
   * Writes the bundle.
   *
   * @param file the file; must not be there
   * @param models whether the merged models go in
   */
  Answer write(Path file, boolean models) {
    if (Files.exists(file)) {
      throw GloraException.usage(
          "The file " + file + " is there already; name another one with --output.");
    }
    Map<String, Path> contents = new LinkedHashMap<>();
    ObjectNode manifest = Json.object().put("format", FORMAT).put("version", VERSION);
    add(contents, RUN, runs.resolve(row.id()), models);
    ObjectNode sources = manifest.putObject("sources");
    JsonNode carried =
        store.section(row.id(), Sources.SECTION).map(s -> s.path("sources")).orElse(Json.MISSING);
    int number = 0;
    for (String source : Sources.local(row.resolved())) {
      Path path = Sources.path(source);
      if (!Files.exists(path) && carried.has(source)) {
        path = runs.resolve(row.id()).resolve(carried.path(source).asText());
      }
      if (!Files.exists(path)) {
        throw GloraException.failed(
            "The source "
                + source
                + " of the run is gone, so a bundle could not be reproduced;"
                + " bring it back.");
      }
      // With its own name: a reader is chosen by how it ends.
      String name = SOURCES + number++ + "/" + path.toAbsolutePath().normalize().getFileName();
      sources.put(source, name);
      add(contents, name, path);
    }
    manifest.set("run", rows());
    ArrayNode files = manifest.putArray("files");
    contents.forEach(
        (name, path) ->
            files
                .addObject()
                .put("name", name)
                .put("size", size(path))
                .put("sha256", FileDigest.of(path)));
    manifest.put("digest", Json.digest(manifest));
    zip(file, manifest, contents);
    ObjectNode answer =
        Json.object()
            .put("run", row.id())
            .put("file", file.toString())
            .put("bytes", size(file))
            .put("sha256", FileDigest.of(file))
            .put("files", contents.size());
    return Answer.of(
        answer, file + ": " + contents.size() + " files, " + (size(file) >> 10) + " KiB\n");
  }

  /** The run as the store has it. */
  private ObjectNode rows() {
    ObjectNode run =
        Json.object()
            .put("id", row.id())
            .put("key", row.key())
            .put("experiment", row.experiment())
            .put("label", row.label())
            .put("method", row.method())
            .put("seed", row.seed())
            .put("created", row.created().toString())
            .put("started", row.started() == null ? null : row.started().toString())
            .put("changed", row.changed().toString());
    run.set("resolved", row.resolved());
    ObjectNode sections = store.sections(row.id());
    sections.remove(Sources.SECTION);
    run.set("sections", sections);
    ArrayNode trials = run.putArray("trials");
    store.trials(row.id()).forEach(trial -> trials.add(Json.MAPPER.valueToTree(trial)));
    ArrayNode finals = run.putArray("finals");
    store
        .finals(row.id())
        .forEach(
            last ->
                finals
                    .addObject()
                    .put("mode", last.mode())
                    .put("primary", last.primary())
                    .set("record", last.record()));
    ArrayNode openings = run.putArray("test_openings");
    store
        .openings(row.id())
        .forEach(
            each ->
                openings.addObject().put("mode", each.mode()).put("when", each.when().toString()));
    ArrayNode events = run.putArray("events");
    store
        .events(row.id())
        .forEach(
            each ->
                events
                    .addObject()
                    .put("when", each.when().toString())
                    .put("kind", each.kind())
                    .put("text", each.text()));
    return run;
  }

  private static void add(Map<String, Path> contents, String prefix, Path folder, boolean models) {
    for (Path inside : list(folder)) {
      String name = inside.getFileName().toString();
      if (LEFT_BEHIND.contains(name) || name.endsWith(".tmp")) {
        continue;
      }
      if (!models && name.startsWith("final-")) {
        for (Path part : list(inside)) {
          if (!part.getFileName().toString().equals("model")) {
            add(contents, prefix + name + "/" + part.getFileName(), part);
          }
        }
      } else {
        add(contents, prefix + name, inside);
      }
    }
  }

  private static void add(Map<String, Path> contents, String name, Path path) {
    if (Files.isDirectory(path)) {
      for (Path inside : list(path)) {
        add(contents, name + "/" + inside.getFileName(), inside);
      }
    } else if (Files.isRegularFile(path)) {
      if (!BundleReader.safe(name)) {
        throw GloraException.failed(
            "The file " + path + " has a name that not every system can have; rename it.");
      }
      contents.put(name, path);
    }
  }

  private static List<Path> list(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside.sorted().toList();
    } catch (IOException e) {
      throw GloraException.failed("The folder " + folder + " cannot be read: " + e, e);
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw GloraException.failed("The file " + file + " cannot be read: " + e, e);
    }
  }

  private static void zip(Path file, JsonNode manifest, Map<String, Path> contents) {
    Path temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
    try {
      Path folder = file.toAbsolutePath().getParent();
      Files.createDirectories(folder);
      try (OutputStream out = Files.newOutputStream(temporary);
          ZipOutputStream zip = new ZipOutputStream(out, StandardCharsets.UTF_8)) {
        zip.putNextEntry(entry(MANIFEST));
        zip.write(Json.text(manifest).getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
        for (var each : contents.entrySet()) {
          zip.putNextEntry(entry(each.getKey()));
          Files.copy(each.getValue(), zip);
          zip.closeEntry();
        }
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      AtomicFile.delete(temporary);
      throw GloraException.failed(
          "The bundle "
              + file
              + " cannot be written ("
              + e.getMessage()
              + "); make room or name"
              + " another place with --output.",
          e);
    }
  }

  /** Without the time of day: equal runs give equal bundles. */
  private static ZipEntry entry(String name) {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    return entry;
  }
}
