package dev.glora.cli;

import dev.glora.GloraException;
import dev.glora.api.Glora;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Option;

/** Options of the verbs that do runs: who does them, and how much is borne. */
final class RunnerFlags {
  private static final String WORKERS = "workers";
  private static final String DEVICES = "devices";
  private static final String ATTEMPTS = "attempts";
  private static final String PATIENCE = "patience";

  private RunnerFlags() {}

  /** These options behind a verb's own. */
  static List<Option> with(Option... own) {
    return Stream.concat(
            Stream.of(own),
            Stream.of(
                Verbs.option(
                    null,
                    WORKERS,
                    "N",
                    "worker processes (default: one for each device, or none: in this process)"),
                Verbs.option(
                    null, DEVICES, "LIST", "what they compute on, such as cuda:0,cuda:1 or cpu"),
                Verbs.option(
                    null,
                    ATTEMPTS,
                    "N",
                    "how often a run is begun whose worker dies or hangs (default: 3)"),
                Verbs.option(
                    null,
                    PATIENCE,
                    "SECONDS",
                    "least time without a step after which a worker counts as hung"
                        + " (default: 120)")))
        .toList();
  }

  /** Hands over what was set. */
  static Glora.Builder set(CommandLine options, Glora.Builder builder) {
    if (options.hasOption(WORKERS)) {
      builder.workers(number(options, WORKERS));
    }
    if (options.hasOption(DEVICES)) {
      builder.devices(options.getOptionValue(DEVICES));
    }
    if (options.hasOption(ATTEMPTS)) {
      builder.attempts(number(options, ATTEMPTS));
    }
    if (options.hasOption(PATIENCE)) {
      builder.patience(Duration.ofSeconds(number(options, PATIENCE)));
    }
    return builder;
  }

  private static int number(CommandLine options, String name) {
    int value = Verbs.whole(options, name, 0);
    if (value == 0) {
      throw GloraException.usage(
          "The option --" + name + " is 0, expected a whole number from 1 on.");
    }
    return value;
  }
}
