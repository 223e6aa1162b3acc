package dev.glora.cli;

import java.util.List;
import java.util.Optional;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;

/** The one registry of verbs. */
final class Verbs {
  private static final int ANY = Integer.MAX_VALUE;

  static final List<Verb> ALL =
      List.of(
          new Verb(
              "run",
              "FILE [key=value …]",
              "run an experiment, or go on with it",
              "Runs each method with each seed. Finished runs with an equal configuration are not"
                  + " run again; interrupted ones go on where they were. A setting such as"
                  + " training.steps=100, methods.2.max_parameters=80000 or seeds=[0,1,2] is laid"
                  + " over the file.",
              List.of(),
              1,
              ANY,
              RunVerbs::run),
          new Verb(
              "resume",
              "RUN",
              "go on with one run",
              "RUN is an id, a key, or the beginning of one of them.",
              List.of(),
              1,
              1,
              RunVerbs::resume),
          new Verb("list", "", "list the runs", "", List.of(), 0, 0, QueryVerbs::list),
          new Verb(
              "show",
              "RUN",
              "show a run",
              "RUN is an id, a key, or the beginning of one of them.",
              List.of(),
              1,
              1,
              QueryVerbs::show),
          new Verb(
              "status",
              "",
              "show what is at work, interrupted or failed",
              "",
              List.of(),
              0,
              0,
              QueryVerbs::status),
          new Verb(
              "doctor",
              "",
              "check Java, Python, disk and memory",
              "Starts the embedded Python and sends a tensor there and back. Exit code 3 where"
                  + " something cannot be used.",
              List.of(),
              0,
              0,
              DoctorVerb::run),
          new Verb("version", "", "print the version", "", List.of(), 0, 0, InfoVerbs::version),
          new Verb("help", "[VERB]", "explain a verb", "", List.of(), 0, 1, InfoVerbs::help));

  private Verbs() {}

  static Optional<Verb> find(String name) {
    return ALL.stream().filter(verb -> verb.name().equals(name)).findFirst();
  }

  /** Options that every verb takes. */
  static Options common() {
    Options options = new Options();
    options.addOption(option(null, "runs", "DIR", "folder of the runs (default: runs)"));
    options.addOption(
        option(
            null,
            "python",
            "FILE",
            "Python executable (default: $GLORA_PYTHON, else .venv/bin/python)"));
    options.addOption(option(null, "json", null, "answer with one JSON document"));
    options.addOption(option("q", "quiet", null, "no progress"));
    options.addOption(option("v", "verbose", null, "log on standard error"));
    options.addOption(option("h", "help", null, "explain the verb"));
    return options;
  }

  static Options options(Verb verb) {
    Options options = common();
    verb.options().forEach(options::addOption);
    return options;
  }

  private static Option option(String letter, String name, String argument, String description) {
    Option.Builder builder = Option.builder(letter).longOpt(name).desc(description);
    return (argument == null ? builder : builder.hasArg().argName(argument)).get();
  }
}
