package dev.glora.bridge.jep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonProbe;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.TestPython;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A start that fails in native code spoils its process, hence a class of its own. */
class JepStartTest {

  @Test
  void aBrokenNativePartIsASentenceAndStaysOne(@TempDir Path folder) throws IOException {
    PythonInfo real = PythonProbe.ask(TestPython.executable());
    Path library = Path.of(System.mapLibraryName("jep"));
    Files.writeString(folder.resolve(library), "no library");
    Path python = folder.resolve("python");
    String json =
        ("{\"implementation\": \"CPython\", \"version\": \"%s\", \"libraries\": [\"%s\"], "
                + "\"jep_directory\": \"%s\", \"jep_version\": \"%s\"}")
            .formatted(real.version(), real.libpython(), folder, real.jepVersion());
    Files.writeString(python, "#!/bin/sh\necho 'glora-probe " + json + "'\n");
    Files.setPosixFilePermissions(python, PosixFilePermissions.fromString("rwxr-xr-x"));

    PythonStartException first = open(python);
    assertThat(first)
        .hasMessageContaining("did not start in this process")
        .hasMessageContaining(library.toString())
        .hasMessageContaining("--force-reinstall");
    assertThat(first.tried()).anyMatch(step -> step.contains(folder.toString()));

    assertThat(open(TestPython.executable()))
        .hasMessageContaining("failed to start before in this process");
  }

  private static PythonStartException open(Path python) {
    return catchThrowableOfType(
        PythonStartException.class, () -> PythonRuntime.open(PythonConfig.of(python)));
  }
}
