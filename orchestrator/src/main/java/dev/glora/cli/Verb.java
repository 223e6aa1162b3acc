package dev.glora.cli;

import dev.glora.api.Answer;
import java.util.List;
import org.apache.commons.cli.Option;

/**
 * One verb of the command line. Parser, help, completion and manual are made from it.
 *
 * @param name what is typed
 * @param arguments what follows, as help shows it
 * @param summary one line for the list of verbs
 * @param details what else help says
 * @param options options of this verb alone
 * @param least least number of arguments
 * @param most greatest number of arguments
 * @param action what it does
 */
record Verb(
    String name,
    String arguments,
    String summary,
    String details,
    List<Option> options,
    int least,
    int most,
    Action action) {

  /** What a verb does. */
  @FunctionalInterface
  interface Action {
    Answer run(Call call);
  }
}
