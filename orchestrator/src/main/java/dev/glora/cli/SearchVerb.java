package dev.glora.cli;

import dev.glora.GloraException;
import dev.glora.api.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** The verb that drives a search from a shell or another program. */
final class SearchVerb {
  private static final String LEASE = "lease";
  private static final int USUAL_SECONDS = 60;

  private SearchVerb() {}

  static Answer run(Call call) {
    Path state = Path.of(call.argument(1));
    return switch (call.argument(0)) {
      case "ask" -> ask(call, state);
      case "renew" -> call.glora().searchRenew(state, results(call), lease(call));
      case "tell" -> call.glora().searchTell(state, results(call));
      default ->
          throw GloraException.usage(
              "glora search knows ask, renew and tell, and was given \""
                  + call.argument(0)
                  + "\".");
    };
  }

  private static Answer ask(Call call, Path state) {
    String given = call.options().getOptionValue("new");
    Path definition = given == null ? null : Path.of(given);
    int count = Verbs.whole(call.options(), "count", Integer.MAX_VALUE);
    return call.options().hasOption(LEASE)
        ? call.glora()
            .searchLease(
                state,
                definition,
                count,
                call.options().getOptionValue("owner", "unnamed"),
                lease(call))
        : call.glora().searchAsk(state, definition, count);
  }

  private static Duration lease(Call call) {
    return Duration.ofSeconds(Verbs.whole(call.options(), LEASE, USUAL_SECONDS));
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
