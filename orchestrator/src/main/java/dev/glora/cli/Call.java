package dev.glora.cli;

import dev.glora.api.Glora;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.cli.CommandLine;

/**
 * One call of a verb.
 *
 * @param verb the verb
 * @param options what was set
 * @param arguments what was given beside the options
 * @param out standard output: answers
 * @param err standard error: progress and errors
 */
record Call(
    Verb verb, CommandLine options, List<String> arguments, PrintStream out, PrintStream err) {

  boolean json() {
    return options.hasOption("json");
  }

  boolean quiet() {
    return options.hasOption("quiet");
  }

  boolean verbose() {
    return options.hasOption("verbose");
  }

  String argument(int index) {
    return arguments.get(index);
  }

  /** What was given after the first one. */
  String[] overrides() {
    return arguments.subList(1, arguments.size()).toArray(String[]::new);
  }

  /** Folder of the runs. */
  Path runs() {
    return Path.of(options.getOptionValue("runs", "runs"));
  }

  /** What answers it, with the options of the command line. */
  Glora glora() {
    return builder().build();
  }

  Glora.Builder builder() {
    Glora.Builder builder = Glora.builder().runs(runs()).notes(this::tell);
    if (options.hasOption("store")) {
      builder.store(options.getOptionValue("store"));
    }
    if (options.hasOption("python")) {
      builder.python(Path.of(options.getOptionValue("python")));
    }
    return builder;
  }

  /** Tells something beside the answer. */
  void tell(String line) {
    if (!quiet()) {
      err.println(line);
    }
  }
}
