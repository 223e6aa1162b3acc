package dev.glora.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;

/**
 * Where things are.
 *
 * @param root folder of the checkout
 * @param runs folder of the runs
 * @param python the Python executable
 * @param cache folder of fetched models and prepared data
 * @param events file that gets a line for each event, or null
 * @param color whether the terminal may be coloured
 */
record Settings(Path root, Path runs, Path python, Path cache, Path events, boolean color) {

  static Settings of(CommandLine options, Map<String, String> environment) {
    Path root = Path.of(System.getProperty("glora.root", "")).toAbsolutePath().normalize();
    String python = options.getOptionValue("python", environment.getOrDefault("GLORA_PYTHON", ""));
    String cache = environment.getOrDefault("GLORA_CACHE", "");
    String events = environment.getOrDefault("GLORA_EVENTS", "");
    return new Settings(
        root,
        Path.of(options.getOptionValue("runs", "runs")),
        python.isEmpty() ? root.resolve(Path.of(".venv", "bin", "python")) : Path.of(python),
        cache.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache", "glora")
            : Path.of(cache).toAbsolutePath(),
        events.isEmpty() ? null : Path.of(events),
        // https://no-color.org: present and not empty means no colour.
        environment.getOrDefault("NO_COLOR", "").isEmpty());
  }

  /** Folders with Python modules of the checkout; none where the package is installed. */
  List<Path> modules() {
    Path sources = root.resolve(Path.of("python-runtime", "src"));
    return Files.isDirectory(sources) ? List.of(sources) : List.of();
  }
}
