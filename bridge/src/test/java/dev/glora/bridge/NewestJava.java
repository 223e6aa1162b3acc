package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;

/**
 * Runs test classes once more on a Java 25: the newest one with long support, whose virtual threads
 * and memory rules differ most from those of 17.
 */
public final class NewestJava {

  private static final int FEATURE = 25;

  private NewestJava() {}

  /** Runs them; fails where one of their tests does, and skips where there is no such Java. */
  public static void run(List<String> classes) throws Exception {
    Optional<Path> home = find();
    assumeTrue(
        home.isPresent(), "no Java 25: neither JAVA25_HOME nor a folder beside this one names it");
    List<String> command = new ArrayList<>();
    command.add(home.get().resolve("bin").resolve("java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.add("-Dglora.root=" + System.getProperty("glora.root"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(ContractRun.class.getName());
    command.addAll(classes);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    assertThat(said.strip().lines().reduce((first, last) -> last).orElse(""))
        .contains(", 0 failed, ")
        .contains("on Java 25");
    assertThat(said).doesNotContain("WARNING: A restricted method");
  }

  /**
   * Finds a JDK by JAVA25_HOME, or beside the one that this runs on, where Debian puts them all.
   */
  private static Optional<Path> find() throws IOException {
    String named = System.getenv("JAVA25_HOME");
    if (named != null) {
      return Optional.of(Path.of(named));
    }
    Path here = Path.of(System.getProperty("java.home")).toRealPath();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(here.getParent())) {
      for (Path folder : folders) {
        Path release = folder.resolve("release");
        if (Files.isRegularFile(release) && feature(release) == FEATURE) {
          return Optional.of(folder);
        }
      }
    }
    return Optional.empty();
  }

  private static int feature(Path release) throws IOException {
    Properties properties = new Properties();
    properties.load(Files.newBufferedReader(release));
    String version = properties.getProperty("JAVA_VERSION", "0").replace("\"", "");
    return Runtime.Version.parse(version).feature();
  }
}
