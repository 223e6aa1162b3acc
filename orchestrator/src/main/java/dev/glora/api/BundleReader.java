package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.files.AtomicFile;
import dev.glora.files.FileDigest;
import dev.glora.report.Reports;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Reads what {@link BundleWriter} wrote, perhaps on another machine, perhaps changed on the way.
 * Nothing is entered before every digest was checked, and a call that is killed is repeated whole.
 */
final class BundleReader {
  private static final long LARGEST_MANIFEST = 64L << 20;
  private static final int NAME = 200;

  private final Path file;

  BundleReader(Path file) {
    this.file = file;
  }

  /** One entry beside the manifest, as that states it. */
  private record Entry(String name, long size, String sha256) {}

  Answer read(Settings settings) {
    Path runs = settings.runs();
    if (!Files.isRegularFile(file)) {
      throw GloraException.usage("There is no bundle " + file + ".");
    }
    try (ZipFile zip = new ZipFile(file.toFile(), StandardCharsets.UTF_8)) {
      ObjectNode manifest = manifest(zip);
      Map<String, Entry> entries = entries(zip, manifest);
      JsonNode run = manifest.path("run");
      PlannedRun planned = planned(run);
      try (RunStore store = settings.openStore()) {
        Optional<RunRow> known = store.find(planned.id());
        if (known.isPresent() && known.get().status() != RunStatus.PLANNED) {
          return there(known.get(), planned);
        }
        Path home = runs.resolve(planned.id());
        if (Files.exists(home) && known.isEmpty()) {
          throw GloraException.usage(
              "The folder "
                  + home
                  + " is there, and no run of that name is in the store; move it"
                  + " away.");
        }
        Path temporary = runs.resolve(".import-" + planned.id());
        AtomicFile.delete(temporary);
        try {
          unpack(zip, entries, temporary);
          store.upsert(planned);
          AtomicFile.delete(home);
          Files.move(temporary, home, StandardCopyOption.ATOMIC_MOVE);
        } finally {
          AtomicFile.delete(temporary);
        }
        enter(store, planned.id(), run, manifest.path("sources"));
        Reports.writeRun(store, runs, planned.id());
      }
      return answer(planned.id(), true);
    } catch (IOException e) {
      throw damaged("it is cut or no zip (" + e.getMessage() + ")");
    } catch (IllegalArgumentException e) {
      // What ZipFile says to names that are not UTF-8.
      throw damaged(String.valueOf(e.getMessage()));
    }
  }

  private Answer there(RunRow known, PlannedRun planned) {
    if (known.status() == RunStatus.FINISHED && known.key().equals(planned.key())) {
      return answer(known.id(), false);
    }
    throw GloraException.usage(
        "The run "
            + known.id()
            + " is in the store and not finished; glora resume "
            + known.id()
            + " finishes it, or import into another folder with --runs.");
  }

  private Answer answer(String run, boolean fresh) {
    return new Answer(
        ExitCode.DONE,
        Json.object().put("run", run).put("imported", fresh),
        (fresh ? "Imported " + run : run + " is there already, finished and equal") + ".\n");
  }

  private ObjectNode manifest(ZipFile zip) throws IOException {
    ZipEntry entry = zip.getEntry(BundleWriter.MANIFEST);
    if (entry == null) {
      throw damaged("it has no " + BundleWriter.MANIFEST);
    }
    byte[] bytes;
    try (InputStream in = zip.getInputStream(entry)) {
      bytes = in.readNBytes((int) LARGEST_MANIFEST + 1);
    }
    if (bytes.length > LARGEST_MANIFEST) {
      throw damaged("its " + BundleWriter.MANIFEST + " has more than 64 MiB");
    }
    ObjectNode manifest =
        Json.object(new String(bytes, StandardCharsets.UTF_8))
            .orElseThrow(() -> damaged("its " + BundleWriter.MANIFEST + " is no JSON object"));
    if (!manifest.path("format").asText().equals(BundleWriter.FORMAT)) {
      throw damaged("its format is not " + BundleWriter.FORMAT);
    }
    int version = manifest.path("version").asInt(-1);
    if (version > BundleWriter.VERSION) {
      throw GloraException.usage(
          "The bundle "
              + file
              + " has version "
              + version
              + " and this glora reads version "
              + BundleWriter.VERSION
              + "; use a glora that is as new as the bundle.");
    }
    String digest = manifest.path("digest").asText();
    ObjectNode rest = manifest.deepCopy();
    rest.remove("digest");
    if (version < 1 || !Json.digest(rest).equals(digest)) {
      throw damaged("its " + BundleWriter.MANIFEST + " does not have the digest that it states");
    }
    return manifest;
  }

  private Map<String, Entry> entries(ZipFile zip, JsonNode manifest) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (JsonNode each : manifest.path("files")) {
      String name = each.path("name").asText();
      long size = each.path("size").asLong(-1);
      if (!safe(name) || size < 0 || entries.containsKey(name)) {
        throw damaged("it has an entry of the name \"" + shortened(name) + "\"");
      }
      entries.put(name, new Entry(name, size, each.path("sha256").asText()));
    }
    Set<String> found = new HashSet<>();
    for (ZipEntry each : Collections.list(zip.entries())) {
      String name = each.getName();
      if (!found.add(name) || !(entries.containsKey(name) || name.equals(BundleWriter.MANIFEST))) {
        throw damaged("it has an entry \"" + shortened(name) + "\" that it does not list");
      }
    }
    for (String name : entries.keySet()) {
      if (!found.contains(name)) {
        throw damaged("it lacks its entry " + name);
      }
    }
    return entries;
  }

  /** Whether a name stays in the folder, on every system. */
  static boolean safe(String name) {
    if (!(name.startsWith(BundleWriter.RUN) || name.startsWith(BundleWriter.SOURCES))
        || name.indexOf('\\') >= 0
        || name.indexOf(':') >= 0
        || name.chars().anyMatch(c -> c < ' ')) {
      return false;
    }
    return Stream.of(name.split("/", -1))
        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
  }

  /** The run, whose key must be what its configuration gives. */
  private PlannedRun planned(JsonNode run) {
    JsonNode resolved = run.path("resolved");
    String id = run.path("id").asText();
    String key = run.path("key").asText();
    if (!Json.digest(resolved).equals(key)
        || !id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0," + NAME + "}")
        || !id.endsWith(key.substring(0, 8))) {
      throw damaged("its run has not the key that its configuration gives");
    }
    PlannedRun here;
    try {
      here = new Planner(resolved.path("code").asText()).replan(resolved);
    } catch (RuntimeException e) {
      throw damaged("its configuration cannot be read (" + e.getMessage() + ")");
    }
    return new PlannedRun(
        id,
        key,
        here.experiment(),
        here.method(),
        here.variant(),
        run.path("seed").asLong(),
        resolved);
  }

  private void unpack(ZipFile zip, Map<String, Entry> entries, Path folder) throws IOException {
    long total = entries.values().stream().mapToLong(Entry::size).sum();
    Files.createDirectories(folder);
    long free = Files.getFileStore(folder).getUsableSpace();
    if (total > free) {
      throw GloraException.failed(
          "The bundle holds "
              + (total >> 20)
              + " MiB and "
              + (free >> 20)
              + " MiB are free at "
              + folder.getParent()
              + "; free some.");
    }
    for (Entry each : entries.values()) {
      String name =
          each.name.startsWith(BundleWriter.RUN)
              ? each.name.substring(BundleWriter.RUN.length())
              : each.name;
      Path to = folder.resolve(name);
      Files.createDirectories(to.getParent());
      try (InputStream in = zip.getInputStream(zip.getEntry(each.name));
          var out = Files.newOutputStream(to)) {
        // One more than stated: a bomb is noticed and not unpacked.
        long written = copy(in, out, each.size + 1);
        if (written != each.size) {
          throw damaged("its entry " + each.name + " has not the size that it states");
        }
      }
      if (!FileDigest.of(to).equals(each.sha256)) {
        throw damaged("its entry " + each.name + " has not the digest that it states");
      }
    }
  }

  private static long copy(InputStream in, OutputStream out, long most) throws IOException {
    byte[] block = new byte[1 << 16];
    long written = 0;
    while (written < most) {
      int n = in.read(block, 0, (int) Math.min(block.length, most - written));
      if (n < 0) {
        break;
      }
      out.write(block, 0, n);
      written += n;
    }
    return written;
  }

  /** Enters the run's rows; its status last, so that what a kill cut short is done again. */
  private void enter(RunStore store, String id, JsonNode run, JsonNode sources) {
    store.restart(id);
    for (var section : run.path("sections").properties()) {
      record(store, id, section.getKey(), section.getValue());
    }
    ObjectNode imported = Json.object();
    for (String key : List.of("created", "started", "changed", "events")) {
      imported.set(key, run.path(key));
    }
    imported.set("sources", sources);
    store.record(id, Sources.SECTION, imported);
    List<Trial> trials = new ArrayList<>();
    for (JsonNode each : run.path("trials")) {
      trials.add(Json.MAPPER.convertValue(each, Trial.class));
    }
    store.addTrials(trials);
    for (JsonNode each : run.path("finals")) {
      store.addFinal(
          id, each.path("mode").asText(), each.path("primary").asBoolean(), each.path("record"));
    }
    for (JsonNode each : run.path("test_openings")) {
      store.openTest(id, each.path("mode").asText(), Instant.parse(each.path("when").asText()));
    }
    store.event(id, "IMPORTED", "From " + file.getFileName());
    store.status(id, RunStatus.FINISHED, "");
  }

  /** Stages are entries of their own in the store, so that several processes can add to them. */
  private static void record(RunStore store, String id, String name, JsonNode value) {
    if (Set.of("timings", "memory", "curve").contains(name)) {
      value.properties().forEach(e -> store.record(id, name + "." + e.getKey(), e.getValue()));
    } else {
      store.record(id, name, value);
    }
  }

  private static String shortened(String name) {
    String plain = name.replaceAll("\\p{Cntrl}", "?");
    return plain.length() <= NAME ? plain : plain.substring(0, NAME) + "…";
  }

  private GloraException damaged(String why) {
    return GloraException.usage(
        "The bundle " + file + " cannot be used: " + why + "; bundle the run again.");
  }
}
