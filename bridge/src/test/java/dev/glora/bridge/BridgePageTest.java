package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program on the page docs/bridge.md, compiled and run as it stands there. */
class BridgePageTest {

  private static final Pattern BLOCK =
      Pattern.compile("```(?:java|python)\\n(?://|#) (\\S+)\\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void theProgramTrains() throws Exception {
    String page = Files.readString(Path.of(System.getProperty("glora.root"), "docs", "bridge.md"));
    Matcher blocks = BLOCK.matcher(page);
    while (blocks.find()) {
      Files.writeString(folder.resolve(blocks.group(1)), blocks.group(2));
    }
    Path source = folder.resolve("TrainFromJava.java");
    assertThat(mainLines(source)).isBetween(20L, 30L);
    String classPath = System.getProperty("java.class.path");
    int compiled =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", classPath, "-d", folder.toString(), source.toString());
    assertThat(compiled).isZero();

    List<String> lines = run(folder + System.getProperty("path.separator") + classPath);
    Matcher result =
        Pattern.compile("(\\S+) \\[(\\S+), (\\S+), (\\S+)\\]").matcher(lines.get(lines.size() - 1));
    assertThat(result.matches()).as("%s", lines).isTrue();
    double[] found = new double[4];
    for (int i = 0; i < 4; i++) {
      found[i] = Double.parseDouble(result.group(i + 1));
    }
    // What Java wrote is 3a - 2b + 1.
    assertThat(found[0]).isLessThan(1e-3);
    double[] truth = {3, -2, 1};
    for (int i = 0; i < 3; i++) {
      assertThat(found[i + 1]).isCloseTo(truth[i], within(0.1));
    }
  }

  private static long mainLines(Path source) throws IOException {
    return Files.readAllLines(source).stream()
        .dropWhile(line -> !line.contains("void main("))
        .takeWhile(line -> !line.equals("}"))
        .count();
  }

  private List<String> run(String classPath) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                "TrainFromJava",
                TestPython.executable().toString(),
                folder.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said.strip().lines().toList();
  }
}
