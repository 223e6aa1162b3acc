package dev.glora.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import java.io.PrintStream;
import java.util.List;
import org.apache.commons.cli.CommandLine;

/**
 * One call of a verb.
 *
 * @param verb the verb
 * @param options what was set
 * @param arguments what was given beside the options
 * @param settings where things are
 * @param out standard output: answers
 * @param err standard error: progress and errors
 */
record Call(
    Verb verb,
    CommandLine options,
    List<String> arguments,
    Settings settings,
    PrintStream out,
    PrintStream err) {

  boolean json() {
    return options.hasOption("json");
  }

  boolean quiet() {
    return options.hasOption("quiet");
  }

  boolean verbose() {
    return options.hasOption("verbose");
  }

  /** Answers with one JSON document. */
  void answer(JsonNode document) {
    out.println(Json.pretty(document));
  }

  /** Tells something beside the answer. */
  void tell(String line) {
    if (!quiet()) {
      err.println(line);
    }
  }
}
