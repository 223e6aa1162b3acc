package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.CheckRecord;
import dev.glora.Json;
import dev.glora.experiment.ExperimentMutator;
import dev.glora.experiment.ValidExperiments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mutants through the real command, each in a process of its own: exit code, output, no folder. */
@Tag("slow")
class MutatedCommandTest {
  private static final int MUTANTS = 500;
  private static final int BY_LAUNCHER = 20;
  private static final int LONGEST_SECONDS = 120;

  @TempDir Path folder;
  private final Path root = Path.of(System.getProperty("glora.root"));

  private record Ending(int code, String out, String err) {}

  private Ending glora(int seed, boolean launcher, byte[] mutant) throws Exception {
    Path own = Files.createDirectories(folder.resolve("m" + seed));
    ValidExperiments.write(own);
    Path file = Files.write(own.resolve("mutant.yaml"), mutant);
    List<String> command = new ArrayList<>();
    if (launcher) {
      command.add(root.resolve("glora").toString());
    } else {
      command.addAll(
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "--enable-native-access=ALL-UNNAMED",
              "-XX:+UseSerialGC",
              "-XX:TieredStopAtLevel=1",
              "-Dglora.root=" + root,
              "-cp",
              System.getProperty("java.class.path"),
              "dev.glora.cli.Main"));
    }
    command.addAll(
        List.of("run", file.toString(), "--dry-run", "--runs", own.resolve("runs").toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(own.resolve("out").toFile())
            .redirectError(own.resolve("err").toFile())
            .start();
    boolean ended = process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertThat(ended).as("seed %d ends", seed).isTrue();
    assertThat(own.resolve("runs")).doesNotExist();
    return new Ending(
        process.exitValue(),
        Files.readString(own.resolve("out")),
        Files.readString(own.resolve("err")));
  }

  private int check(int seed, boolean launcher, List<String> texts) throws Exception {
    byte[] mutant = new ExperimentMutator(seed).mutate(texts.get(seed % texts.size()));
    Ending ending = glora(seed, launcher, mutant);
    assertThat(ending.code()).as("seed %d: %s", seed, ending.err()).isIn(0, 2);
    assertThat(ending.err()).as("seed %d", seed).doesNotContain("Exception").doesNotContain("\tat");
    if (ending.code() == 2) {
      assertThat(ending.out()).as("seed %d", seed).isEmpty();
      assertThat(ending.err()).as("seed %d", seed).hasLineCount(1).matches("(?s).*[.?]\n");
    } else {
      assertThat(ending.out()).as("seed %d", seed).contains("Time left: ");
      assertThat(ending.err()).as("seed %d", seed).isEmpty();
    }
    return ending.code();
  }

  @Test
  void mutantIsPlannedOrRefusedWithExitCodeTwo() throws Exception {
    List<String> texts = ValidExperiments.write(folder);
    setUp();
    Map<Integer, Integer> codes = new TreeMap<>();
    int byLauncher = 0;
    ExecutorService pool = Executors.newFixedThreadPool(2);
    try {
      List<Future<Integer>> endings = new ArrayList<>();
      for (int seed = 0; seed < MUTANTS; seed++) {
        int number = seed;
        boolean launcher = seed % (MUTANTS / BY_LAUNCHER) == 0;
        byLauncher += launcher ? 1 : 0;
        Callable<Integer> one = () -> check(number, launcher, texts);
        endings.add(pool.submit(one));
      }
      for (Future<Integer> ending : endings) {
        codes.merge(ending.get(), 1, Integer::sum);
      }
    } finally {
      pool.shutdownNow();
    }
    write(codes, byLauncher);
  }

  /** What the launcher makes before its first command is no part of any. */
  private void setUp() throws IOException, InterruptedException {
    Process version =
        new ProcessBuilder(root.resolve("glora").toString(), "version")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("version").toFile())
            .start();
    assertThat(version.waitFor(15, TimeUnit.MINUTES)).isTrue();
    assertThat(version.exitValue()).isZero();
  }

  private void write(Map<Integer, Integer> codes, int byLauncher) throws IOException {
    ObjectNode result = Json.object().put("mutants", MUTANTS).put("through_launcher", byLauncher);
    result.put("planned", codes.getOrDefault(0, 0)).put("refused", codes.getOrDefault(2, 0));
    result.put("stack_traces", 0).put("hangs", 0);
    CheckRecord.write("mutated-command.json", result);
  }
}
