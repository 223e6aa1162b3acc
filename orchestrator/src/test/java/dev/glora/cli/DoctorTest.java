package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verb itself, on the project's own Python and on one that is none. */
class DoctorTest {
  @TempDir Path folder;

  private int code;

  private String doctor(String... more) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String[] arguments = new String[3 + more.length];
    List<String> first = List.of("doctor", "--runs", folder.toString());
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = i < 3 ? first.get(i) : more[i - 3];
    }
    code = Main.run(arguments, new PrintStream(out, true, StandardCharsets.UTF_8), System.err);
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void everyPromiseOfTheBridgeIsTried() throws IOException {
    Path python = Path.of(System.getProperty("glora.root"), ".venv", "bin", "python");
    JsonNode answer = Json.MAPPER.readTree(doctor("--json", "--python", python.toString()));
    assertThat(answer.path("usable").asBoolean()).as("%s", answer).isTrue();
    assertThat(code).isZero();
    Set<String> names = new TreeSet<>();
    for (JsonNode check : answer.path("checks")) {
      assertThat(check.path("ok").asBoolean()).isTrue();
      names.add(check.path("check").asText());
    }
    assertThat(names)
        .contains("python", "packages", "call", "exception", "cancel", "callback", "autograd")
        .contains("tensor f32", "tensor bf16", "tensor bool", "bridge");
  }

  @Test
  void aWrongPythonIsASentenceWithWhatWasTried() throws IOException {
    Path python = folder.resolve("python");
    Files.writeString(python, "#!/bin/sh\necho I am a shell\n");
    Files.setPosixFilePermissions(python, PosixFilePermissions.fromString("rwxr-xr-x"));
    String said = doctor("--python", python.toString());
    assertThat(code).isEqualTo(3);
    assertThat(said)
        .contains("FAIL  python: " + python + " is not Python: asked about itself")
        .contains("        tried: found " + python)
        .contains("        tried: ran it with -c: exit status 0")
        .endsWith("A run would fail here: mend what is marked above.\n");
    JsonNode answer = Json.MAPPER.readTree(doctor("--json", "--python", python.toString()));
    assertThat(answer.path("usable").asBoolean()).isFalse();
    assertThat(answer.findPath("tried")).hasSize(2);
  }
}
