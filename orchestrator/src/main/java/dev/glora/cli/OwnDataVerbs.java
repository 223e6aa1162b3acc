package dev.glora.cli;

import dev.glora.GloraException;
import dev.glora.api.Answer;
import dev.glora.api.DataColumns;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** {@code init} and {@code predict}. */
final class OwnDataVerbs {
  private OwnDataVerbs() {}

  static Answer init(Call call) {
    Path data =
        Path.of(
            required(call, "data", "--data FILE, the table, or a folder of tables or of pictures"));
    String model = call.options().getOptionValue("model", Verbs.DEFAULT_MODEL);
    String bare = named(data).getFileName().toString().replaceFirst("\\.[^.]*$", "");
    Path output = Path.of(call.options().getOptionValue("output", bare + ".yaml"));
    return Work.of(call, glora -> glora.init(data, model, output, columns(call)));
  }

  static Answer predict(Call call) {
    Path input =
        Path.of(required(call, "input", "--input FILE, the rows, or a folder of pictures"));
    Path output = given(call, "output").map(Path::of).orElse(beside(input));
    return Work.of(call, glora -> glora.predict(call.argument(0), input, output, columns(call)));
  }

  /** Where predictions go unless that is said: a table's own format, else CSV. */
  private static Path beside(Path input) {
    Path place = named(input);
    String name = place.getFileName().toString();
    int dot = Files.isDirectory(input) ? -1 : name.lastIndexOf('.');
    String suffix = dot < 0 ? "" : name.substring(dot).toLowerCase(Locale.ROOT);
    String own =
        switch (suffix) {
          case ".tsv", ".jsonl", ".parquet", ".txt" -> suffix;
          case ".json" -> ".jsonl";
          default -> ".csv";
        };
    return place.resolveSibling((dot < 0 ? name : name.substring(0, dot)) + ".predictions" + own);
  }

  /** The same path, with a name at its end: a folder may be given as "." */
  private static Path named(Path path) {
    boolean dots = path.endsWith(".") || path.endsWith("..");
    return dots ? path.toAbsolutePath().normalize() : path;
  }

  private static DataColumns columns(Call call) {
    return new DataColumns(
        given(call, "text-column"),
        given(call, "pair-column"),
        given(call, "label-column"),
        given(call, "target"));
  }

  private static Optional<String> given(Call call, String option) {
    return Optional.ofNullable(call.options().getOptionValue(option));
  }

  private static String required(Call call, String option, String what) {
    return given(call, option)
        .orElseThrow(
            () ->
                GloraException.usage(
                    "glora "
                        + call.verb().name()
                        + " was not given "
                        + what
                        + "; see glora help "
                        + call.verb().name()
                        + "."));
  }
}
