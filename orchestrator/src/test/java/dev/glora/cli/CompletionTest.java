package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.cli.Option;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What shells offer. */
class CompletionTest {
  @TempDir Path folder;

  @BeforeEach
  void runs() throws IOException {
    for (String run : List.of("runs/demo-glora-s0-1", "runs/demo-head-s0-2", "other/mine-s0-3")) {
      Files.writeString(
          Files.createDirectories(folder.resolve(run)).resolve("experiment.json"), "{}");
    }
    Files.writeString(folder.resolve("demo.yaml"), "");
    Files.writeString(folder.resolve("a file.yaml"), "");
  }

  private String output(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    return text;
  }

  /** Asks bash itself: the words of the line, the last one being typed. */
  private List<String> bash(String line) throws IOException, InterruptedException {
    String script =
        Completion.script("bash")
            + """
            compopt() { :; }  # only there while a key is pressed
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            _glora
            for each in "${COMPREPLY[@]}"; do echo "$each"; done
            """;
    Path file = Files.writeString(folder.resolve("complete.sh"), script);
    List<String> command =
        Stream.concat(
                Stream.of("bash", "--noprofile", "--norc", file.toString()),
                Stream.of(line.split(" ", -1)))
            .toList();
    return output(command).lines().toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "glora re | resume retry reproduce",
        "glora --runs other sh | show",
        "glora show demo-g | demo-glora-s0-1",
        "glora show --json demo-h | demo-head-s0-2",
        "glora --runs other show m | mine-s0-3",
        "glora table --format l | latex",
        "glora export --format p | peft",
        "glora list --status f | failed finished",
        "glora table --me | --metric",
        "glora --qu | --quiet",
        "glora run d | demo.yaml",
        "glora plot --output ru | runs",
        "glora completion z | zsh",
        "glora help stat | status",
        "glora list --limit 1 --off | --offset",
      })
  void bashOffersWhatFits(String line, String offered) throws IOException, InterruptedException {
    assertThat(bash(line.strip())).containsExactlyInAnyOrder(offered.strip().split(" "));
  }

  @Test
  void bashOffersEveryVerbAndEveryOptionOfEach() throws IOException, InterruptedException {
    assertThat(bash("glora "))
        .containsExactlyElementsOf(Verbs.ALL.stream().map(Verb::name).toList());
    for (Verb verb : Verbs.ALL) {
      assertThat(bash("glora " + verb.name() + " --"))
          .containsExactlyInAnyOrderElementsOf(
              Verbs.options(verb).getOptions().stream().map(CompletionTest::name).toList());
    }
  }

  @Test
  void bashOffersNamesWithSpacesWholeAndNothingWhereNothingFits()
      throws IOException, InterruptedException {
    assertThat(bash("glora run a")).containsExactly("a file.yaml");
    assertThat(bash("glora version ")).isEmpty();
    assertThat(bash("glora list --limit ")).isEmpty();
    assertThat(bash("glora --runs nowhere show ")).isEmpty();
  }

  private static String name(Option option) {
    return "--" + option.getLongOpt();
  }

  @ParameterizedTest
  @ValueSource(strings = {"zsh", "fish"})
  void otherShellsKnowEveryVerbAndOption(String shell) {
    String script = Completion.script(shell);

    for (Verb verb : Verbs.ALL) {
      assertThat(script).contains(verb.name());
      for (Option option : verb.options()) {
        assertThat(script)
            .contains(shell.equals("fish") ? "-l " + option.getLongOpt() : name(option));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"bash,-n", "zsh,-n", "fish,--no-execute"})
  void scriptIsOneThatTheShellReads(String shell, String check)
      throws IOException, InterruptedException {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(each -> Files.isExecutable(Path.of(each, shell))),
        shell + " is not on this machine");
    Path file = Files.writeString(folder.resolve("script"), Completion.script(shell));

    assertThat(output(List.of(shell, check, file.toString()))).isEmpty();
  }

  @Test
  void manualPageNamesEverything() {
    String page = ManualPage.roff("1.0");

    assertThat(page).startsWith(".TH GLORA 1 \"\" \"glora 1.0\" \"User Commands\"\n");
    for (Verb verb : Verbs.ALL) {
      assertThat(page).contains(".SS \"" + verb.name());
      for (Option option : verb.options()) {
        assertThat(page).contains("\\-\\-" + option.getLongOpt().replace("-", "\\-"));
      }
    }
    HelpText.EXIT_CODES.keySet().forEach(code -> assertThat(page).contains("\\fB" + code + "\\fR"));
    assertThat(page.lines()).allMatch(line -> line.matches("\\.(TH|SH|SS|TP|B|I)( .*)?|[^.'].*"));
  }

  @Test
  void manualPageIsReadByGroff() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/groff")), "groff is not on this machine");
    Path file = Files.writeString(folder.resolve("glora.1"), ManualPage.roff("1.0"));

    // Warnings would stand in the output.
    String text =
        output(List.of("groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou", file.toString()));

    assertThat(text).contains("SYNOPSIS", "reproduce RUN").doesNotContain("warning", "error:");
  }
}
