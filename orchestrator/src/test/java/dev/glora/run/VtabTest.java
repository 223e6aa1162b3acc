package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.api.Answer;
import dev.glora.api.Glora;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the doctor says of a made-up copy of VTAB-1k's folders. */
class VtabTest {
  @TempDir static Path temp;
  static Path copy;

  @BeforeAll
  static void write() throws Exception {
    copy = temp.resolve("vtab-1k");
    Path script = Tiny.ROOT.resolve("python-runtime/tests/vtab_copy.py");
    ProcessBuilder builder =
        new ProcessBuilder(Tiny.EXECUTABLE.toString(), script.toString(), copy.toString(), "kitti");
    builder.environment().put("PYTHONPATH", Tiny.ROOT.resolve("python-runtime/src").toString());
    assertThat(builder.inheritIO().start().waitFor()).isZero();
  }

  private static Glora glora() {
    return Glora.builder()
        .checkout(Tiny.ROOT)
        .python(Tiny.EXECUTABLE)
        .runs(temp.resolve("runs"))
        .cache(temp.resolve("cache"))
        .build();
  }

  @Test
  void theDoctorSaysWhichTasksAreThere() {
    List<String> lines = new ArrayList<>();
    Answer looked = glora().doctor(copy, lines::add);
    assertThat(lines).hasSize(19).filteredOn(line -> line.startsWith("ok")).hasSize(1);
    assertThat(looked.json().path("usable").asBoolean()).isFalse();
    assertThat(lines)
        .anyMatch(line -> line.startsWith("ok    kitti: ") && line.contains("has 60 pictures"));
  }
}
