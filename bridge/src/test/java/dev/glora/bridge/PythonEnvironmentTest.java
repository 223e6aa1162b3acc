package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Making environments; what depends on this process's own environment runs in a JVM of its own. */
class PythonEnvironmentTest {

  @TempDir private Path folder;

  /** Makes an environment in the folder that is its argument and prints how that went. */
  public static final class Maker {
    private Maker() {}

    public static void main(String[] args) {
      try {
        System.out.println("made " + PythonEnvironment.create(Path.of(args[0])));
      } catch (PythonStartException e) {
        System.out.println("refused " + e.getMessage());
      }
    }
  }

  private String make(Map<String, String> environment) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Maker.class.getName()));
    command.add(folder.resolve("venv").toString());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().remove("CC");
    builder.environment().putAll(environment);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said.strip();
  }

  private Path base() throws IOException {
    return TestPython.executable().toRealPath();
  }

  private Path script(String name, String body) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }

  @Test
  void noPythonOnThePathIsASentence() throws Exception {
    assertThat(make(Map.of("PATH", folder.toString())))
        .startsWith("refused There is no fitting Python on the PATH (found none): install")
        .doesNotContain("\n");
    script("python3", "echo 3.8.18 not 3.11 to 3.13");
    assertThat(make(Map.of("PATH", folder.toString())))
        .contains(folder.resolve("python3") + ": 3.8.18 not 3.11 to 3.13");
    assertThat(folder.resolve("venv")).doesNotExist();
  }

  @Test
  void noCompilerIsASentence() throws Exception {
    Files.createSymbolicLink(folder.resolve("python3"), base());
    assertThat(make(Map.of("PATH", folder.toString())))
        .startsWith("refused Jep is compiled from its source and there is no working C compiler")
        .contains("gcc: not found");
    assertThat(folder.resolve("venv")).doesNotExist();
  }

  @Test
  void aPythonThatDoesNotFitIsRefused() throws IOException {
    Path old = script("old", "echo 3.10.13 not 3.11 to 3.13");
    assertThatThrownBy(() -> PythonEnvironment.in(folder.resolve("venv")).from(old).create())
        .isInstanceOf(PythonStartException.class)
        .hasMessageContaining("3.10.13");
  }

  @Test
  void foldersOfOthersAreNotTouched() throws IOException {
    Path file = Files.writeString(folder.resolve("thesis"), "mine");
    assertThatThrownBy(() -> PythonEnvironment.in(folder).from(base()).create())
        .isInstanceOf(PythonStartException.class)
        .hasMessageContaining("name another folder");
    assertThat(file).hasContent("mine");
  }

  /** pip finds nothing without an index; what was begun is begun anew by the next call. */
  @Test
  void whatPipSaysIsToldAndTheEnvironmentStaysUnfinished() throws Exception {
    Map<String, String> offline =
        Map.of("PIP_NO_INDEX", "1", "PIP_FIND_LINKS", "", "PATH", System.getenv("PATH"));
    for (int i = 0; i < 2; i++) {
      assertThat(make(offline))
          .startsWith("refused Installing wheel failed with status 1 (\"ERROR: No matching")
          .contains(folder.resolve("venv").resolve("pip.log").toString());
    }
  }

  /** Slow: it fetches and compiles. */
  @Test
  @Tag("slow")
  void anEnvironmentIsMadeOnceAndStarts() throws IOException {
    Path venv = folder.resolve("with space").resolve("venv");
    Path python = PythonEnvironment.in(venv).from(base()).create();
    Object seen = Files.getLastModifiedTime(venv.resolve("glora-environment"));
    assertThat(PythonEnvironment.in(venv).from(base()).create()).isEqualTo(python);
    assertThat(Files.getLastModifiedTime(venv.resolve("glora-environment"))).isEqualTo(seen);
    try (PythonRuntime runtime = PythonRuntime.open(PythonConfig.of(python))) {
      assertThat(runtime.call("math", "sqrt", 4.0).join()).isEqualTo(2.0);
      assertThat(runtime.info().python().orElseThrow().numpyVersion()).isPresent();
    }
  }
}
