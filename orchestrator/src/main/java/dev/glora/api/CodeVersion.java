package dev.glora.api;

import dev.glora.GloraException;
import dev.glora.bridge.PythonRuntime;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The digest of the code that results depend on: the loops, the search and the data of this module,
 * the bridge, and the Python package. Reports, the store and the command line are left out: a nicer
 * table makes no run stale.
 */
final class CodeVersion {
  private static final List<String> PACKAGES = List.of("data", "search", "train", "run");

  private CodeVersion() {}

  /**
   * Digests the code.
   *
   * @param modules folders of the Python package's sources; where there are none the package is an
   *     installed one, which the environment section of each run names
   * @return SHA-256 in hexadecimal
   */
  static String digest(List<Path> modules) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      add(
          digest,
          location(CodeVersion.class),
          PACKAGES.stream().map(p -> "dev/glora/" + p).toList());
      add(digest, location(PythonRuntime.class), List.of("dev/glora/bridge"));
      for (Path folder : modules) {
        files(digest, folder, List.of("glora"), ".py");
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException | URISyntaxException e) {
      throw GloraException.environment(
          "glora's own files cannot be read (" + e + "); build it again with ./glora version.", e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  private static Path location(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  private static void add(MessageDigest digest, Path location, List<String> packages)
      throws IOException {
    if (Files.isDirectory(location)) {
      files(digest, location, packages, "");
      return;
    }
    URI jar = URI.create("jar:" + location.toUri());
    try (FileSystem content = FileSystems.newFileSystem(jar, Map.of())) {
      files(digest, content.getPath("/"), packages, "");
    }
  }

  private static void files(MessageDigest digest, Path root, List<String> below, String ending)
      throws IOException {
    for (String folder : below) {
      Path start = root.resolve(folder);
      if (!Files.isDirectory(start)) {
        continue;
      }
      List<Path> files;
      try (Stream<Path> walk = Files.walk(start)) {
        files =
            walk.filter(file -> Files.isRegularFile(file) && file.toString().endsWith(ending))
                .sorted(Comparator.comparing(Path::toString))
                .toList();
      }
      for (Path file : files) {
        digest.update(root.relativize(file).toString().getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        digest.update(Files.readAllBytes(file));
      }
    }
  }
}
