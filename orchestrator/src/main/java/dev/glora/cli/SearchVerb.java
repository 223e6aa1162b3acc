package dev.glora.cli;

import dev.glora.GloraException;
import dev.glora.api.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The verb that drives a search from a shell or another program. */
final class SearchVerb {
  private SearchVerb() {}

  static Answer run(Call call) {
    Path state = Path.of(call.argument(1));
    return switch (call.argument(0)) {
      case "ask" -> {
        String definition = call.options().getOptionValue("new");
        yield call.glora()
            .searchAsk(
                state,
                definition == null ? null : Path.of(definition),
                Verbs.whole(call.options(), "count", Integer.MAX_VALUE));
      }
      case "tell" -> call.glora().searchTell(state, results(call));
      default ->
          throw GloraException.usage(
              "glora search knows ask and tell, and was given \"" + call.argument(0) + "\".");
    };
  }

  private static String results(Call call) {
    try {
      return call.arguments().size() < 3 || call.argument(2).equals("-")
          ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
          : Files.readString(Path.of(call.argument(2)));
    } catch (IOException e) {
      throw GloraException.usage(
          "The results cannot be read (" + e + "): name a file, or give them on standard input.");
    }
  }
}
