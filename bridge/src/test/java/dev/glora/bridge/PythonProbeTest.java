package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each way in which an executable can be unusable, played by a shell script. */
class PythonProbeTest {

  @TempDir private Path folder;
  private Path library;

  @BeforeEach
  void makeFiles() throws IOException {
    library = Files.createFile(folder.resolve("libpython3.11.so"));
    Files.createDirectory(folder.resolve("jep"));
    Files.createFile(folder.resolve("jep").resolve(PythonProbe.nativeName()));
  }

  private Path script(String body) throws IOException {
    Path file = folder.resolve("python");
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }

  private Path answering(String implementation, String version, String more) throws IOException {
    String json =
        ("{\"implementation\": \"%s\", \"version\": \"%s\", \"prefix\": \"/p\", "
                + "\"base_prefix\": \"/b\", \"libraries\": [\"/no/such\", \"%s\"], "
                + "\"jep_directory\": \"%s\", \"jep_version\": \"%s\", \"numpy_version\": null, "
                + "\"torch_version\": \"2.0\"%s}")
            .formatted(
                implementation,
                version,
                library,
                folder.resolve("jep"),
                PythonProbe.jarVersion(),
                more);
    return script("echo noise from a start-up file\necho 'glora-probe " + json + "'");
  }

  private static PythonStartException failure(Path python) {
    PythonStartException e =
        catchThrowableOfType(PythonStartException.class, () -> PythonProbe.ask(python));
    assertThat(e).hasMessageContaining(python.toString());
    assertThat(e.getMessage()).doesNotContain("\n").endsWith(".");
    return e;
  }

  @Test
  void theProjectsPythonIsUsable() {
    PythonInfo info = PythonProbe.ask(TestPython.executable());
    assertThat(info.executable()).isEqualTo(TestPython.executable());
    assertThat(info.prefix()).isEqualTo(TestPython.executable().getParent().getParent());
    assertThat(info.libpython()).isRegularFile();
    assertThat(info.jepDirectory()).isDirectory();
    assertThat(info.jepVersion()).isEqualTo(PythonProbe.jarVersion());
    assertThat(info.torchVersion()).isPresent();
    assertThat(info.numpyVersion()).isPresent();
  }

  @Test
  void anAnswerIsFoundBehindOtherOutput() throws IOException {
    PythonInfo info = PythonProbe.ask(answering("CPython", "3.13.1", ""));
    assertThat(info.version()).isEqualTo("3.13.1");
    assertThat(info.libpython()).isEqualTo(library);
    assertThat(info.numpyVersion()).isEmpty();
    assertThat(info.torchVersion()).contains("2.0");
  }

  @Test
  void missingExecutable() {
    assertThat(failure(folder.resolve("nowhere"))).hasMessageContaining("There is no Python at");
  }

  @Test
  void notAnExecutable() throws IOException {
    assertThat(failure(library)).hasMessageContaining("not an executable file");
    assertThat(failure(folder)).hasMessageContaining("not an executable file");
  }

  @Test
  void notPython() throws IOException {
    assertThat(failure(script("echo hello"))).hasMessageContaining("answered (\"hello\")");
    assertThat(failure(script("exit 0"))).hasMessageContaining("answered nothing");
    assertThat(failure(script("echo 'glora-probe {'"))).hasMessageContaining("is not Python");
  }

  @Test
  void failingExecutable() throws IOException {
    PythonStartException e = failure(script("echo first >&2; echo last words >&2; exit 7"));
    assertThat(e).hasMessageContaining("status 7").hasMessageContaining("(\"last words\")");
    assertThat(e.tried()).hasSize(2).last().asString().contains("7");
  }

  @Test
  void executableThatTheSystemRefuses() throws IOException {
    Path python = script("");
    Files.writeString(python, "#!/no/such/interpreter\n");
    assertThat(failure(python)).hasMessageContaining("for this machine");
  }

  @Test
  void executableThatDoesNotEnd() throws IOException {
    Path python = script("exec sleep 60");
    PythonStartException e =
        catchThrowableOfType(
            PythonStartException.class, () -> PythonProbe.ask(python, Duration.ofSeconds(1)));
    assertThat(e).hasMessageContaining("did not answer within 1 s");
  }

  @Test
  void wrongVersion() throws IOException {
    assertThat(failure(answering("CPython", "3.10.13", "")))
        .hasMessageContaining("is Python 3.10.13 and 3.11 to 3.13 is needed");
    assertThat(failure(answering("CPython", "3.14.0", ""))).hasMessageContaining("3.14.0");
    assertThat(failure(answering("CPython", "2.7.18", ""))).hasMessageContaining("2.7.18");
  }

  @Test
  void anotherImplementation() throws IOException {
    assertThat(failure(answering("PyPy", "3.11.1", ""))).hasMessageContaining("PyPy");
  }

  @Test
  void freeThreaded() throws IOException {
    assertThat(failure(answering("CPython", "3.13.1", ", \"free_threaded\": true")))
        .hasMessageContaining("free-threaded");
  }

  @Test
  void staticPython() throws IOException {
    PythonStartException e =
        failure(answering("CPython", "3.11.1", ", \"libraries\": [\"/no/lib.so\"]"));
    assertThat(e).hasMessageContaining("static").hasMessageContaining("--enable-shared");
    assertThat(e.tried()).contains("no /no/lib.so");
  }

  @Test
  void noJep() throws IOException {
    assertThat(failure(answering("CPython", "3.11.1", ", \"jep_directory\": null")))
        .hasMessageContaining("no package jep")
        .hasMessageContaining("-m pip install jep==" + PythonProbe.jarVersion());
  }

  @Test
  void jepWithoutItsNativePart() throws IOException {
    Files.delete(folder.resolve("jep").resolve(PythonProbe.nativeName()));
    assertThat(failure(answering("CPython", "3.11.1", "")))
        .hasMessageContaining("without its native part");
  }

  @Test
  void anotherJep() throws IOException {
    assertThat(failure(answering("CPython", "3.11.1", ", \"jep_version\": \"4.2.2\"")))
        .hasMessageContaining("has jep 4.2.2")
        .hasMessageContaining("pip install jep==" + PythonProbe.jarVersion());
  }

  @Test
  void jepOfAnotherPython() throws IOException {
    assertThat(failure(answering("CPython", "3.12.1", ", \"jep_built_for\": \"3.11\"")))
        .hasMessageContaining("was built for 3.11")
        .hasMessageContaining("--force-reinstall");
  }

  @Test
  void environmentOfAnotherPython() throws IOException {
    assertThat(failure(answering("CPython", "3.12.1", ", \"made_for\": \"3.11\"")))
        .hasMessageContaining("made for Python 3.11 and is now Python 3.12.1")
        .hasMessageContaining("make the environment anew (/p)");
  }

  /** The real answer of a real environment whose settings were changed behind its back. */
  @Test
  void aRealEnvironmentThatNamesAnotherPythonIsRefused() throws Exception {
    Path real = TestPython.executable();
    Path venv = Files.createDirectory(folder.resolve("venv"));
    Path python = Files.createDirectory(venv.resolve("bin")).resolve("python");
    Files.createSymbolicLink(python, real.toRealPath());
    Files.writeString(
        venv.resolve("pyvenv.cfg"),
        "home = " + real.toRealPath().getParent() + "\nversion = 3.8.18\n");
    assertThat(failure(python)).hasMessageContaining("made for Python 3.8");
  }
}
