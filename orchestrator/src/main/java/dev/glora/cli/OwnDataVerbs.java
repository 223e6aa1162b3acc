package dev.glora.cli;

import dev.glora.GloraException;
import dev.glora.api.Answer;
import dev.glora.api.DataColumns;
import java.nio.file.Path;
import java.util.Optional;

/** {@code init} and {@code predict}. */
final class OwnDataVerbs {
  private OwnDataVerbs() {}

  static Answer init(Call call) {
    Path data = Path.of(required(call, "data", "--data FILE, the table or a folder of tables"));
    String model = call.options().getOptionValue("model", Verbs.DEFAULT_MODEL);
    String bare = data.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    Path output = Path.of(call.options().getOptionValue("output", bare + ".yaml"));
    return Work.of(call, glora -> glora.init(data, model, output, columns(call)));
  }

  static Answer predict(Call call) {
    Path input = Path.of(required(call, "input", "--input FILE, the rows"));
    String name = input.getFileName().toString();
    int dot = name.lastIndexOf('.');
    String beside =
        dot < 0
            ? name + ".predictions"
            : name.substring(0, dot) + ".predictions" + name.substring(dot);
    Path output = given(call, "output").map(Path::of).orElse(input.resolveSibling(beside));
    return Work.of(call, glora -> glora.predict(call.argument(0), input, output, columns(call)));
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
