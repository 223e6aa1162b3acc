package dev.glora.bridge.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs all benchmarks once: one round, of which several show how much the machine's mood does. */
public final class Benchmarks {

  private Benchmarks() {}

  /**
   * Runs the benchmarks and writes {@code round-N.json}.
   *
   * @param args the folder for the result, the round's number, and a regular expression that
   *     selects benchmarks, by default all
   */
  public static void main(String[] args) throws Exception {
    Path folder = Files.createDirectories(Path.of(args[0]));
    new Runner(
            new OptionsBuilder()
                .include(args.length > 2 ? args[2] : ".*")
                .shouldFailOnError(true)
                .resultFormat(ResultFormatType.JSON)
                .result(folder.resolve("round-" + args[1] + ".json").toString())
                .build())
        .run();
  }
}
