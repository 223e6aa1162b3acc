package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program of docs/java-api.md, compiled and run as it stands there. */
class JavaApiDocTest {
  private static final Pattern PROGRAM = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void programOfThePageRuns() throws Exception {
    Matcher page =
        PROGRAM.matcher(Files.readString(Tiny.ROOT.resolve(Path.of("docs", "java-api.md"))));
    assertThat(page.find()).isTrue();
    String program = page.group(1);
    assertThat(page.find()).as("one program on the page").isFalse();
    // Ten lines of Java from dev.glora.
    assertThat(program.lines().filter(line -> line.startsWith("    ")))
        .hasSizeLessThanOrEqualTo(10);
    Path source = Files.writeString(folder.resolve("Adapt.java"), program);
    String classPath = System.getProperty("java.class.path");
    int compiled =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-proc:none", "-cp", classPath, source.toString());
    assertThat(compiled).isZero();
    Path material = Tiny.write(folder.resolve("material"));
    String model = "\"local:" + material.resolve("model") + "\"";
    Files.writeString(folder.resolve("tiny.yaml"), Tiny.yaml(model, material, 6, 10, 3, 3));

    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dglora.root=" + Tiny.ROOT,
                "-cp",
                folder + ":" + classPath,
                "Adapt",
                "tiny.yaml"));
    builder.directory(folder.toFile()).redirectError(folder.resolve("err").toFile());
    builder.environment().put("GLORA_PYTHON", Tiny.EXECUTABLE.toString());
    builder.environment().put("GLORA_CACHE", folder.resolve("cache").toString());
    Process process = builder.start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(Files.readString(folder.resolve("err"))).isZero();
    assertThat(out).contains("test accuracy (%)").containsPattern("\ntest accuracy [01]\\.\\d+\n");
    assertThat(folder.resolve("plots/structure.svg")).exists();
    assertThat(folder.resolve("model/model.safetensors")).exists();
    assertThat(folder.resolve("run.glora")).exists();
    assertThat(Json.object(Files.readString(folder.resolve("model/config.json")))).isPresent();
  }
}
