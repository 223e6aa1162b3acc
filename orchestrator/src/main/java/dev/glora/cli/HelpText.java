package dev.glora.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.cli.Option;
import org.apache.commons.text.WordUtils;

/** Help, made from the registry. */
final class HelpText {
  private static final int WIDTH = 96;
  private static final int COLUMN = 24;

  /** What else is read than the command line. */
  static final Map<String, String> ENVIRONMENT =
      ordered(
          "GLORA_PYTHON", "the Python executable, where --python does not name one",
          "GLORA_STORE", "URL of the store, where --store does not name one",
          "GLORA_CACHE", "folder of models and prepared data (default: ~/.cache/glora)",
          "GLORA_EVENTS", "a file that gets a line for each event",
          "NO_COLOR", "no colours in the progress bar");

  static final Map<String, String> EXIT_CODES =
      ordered(
          "0", "done",
          "1", "failed",
          "2", "wrong usage or configuration",
          "3", "environment not usable",
          "4", "a reproduction differs",
          "130", "interrupted by Ctrl-C, the state is saved",
          "143", "ended by TERM, the state is saved");

  private HelpText() {}

  private static Map<String, String> ordered(String... pairs) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put(pairs[i], pairs[i + 1]);
    }
    return map;
  }

  static String all() {
    StringBuilder out = new StringBuilder("glora VERB [options] [arguments]\n\n");
    for (Verb verb : Verbs.ALL) {
      out.append(line((verb.name() + " " + verb.arguments()).strip(), verb.summary()));
    }
    out.append("\nOptions of every verb:\n");
    Verbs.common().getOptions().forEach(option -> out.append(option(option)));
    out.append("\nEnvironment:\n");
    ENVIRONMENT.forEach((name, words) -> out.append(line(name, words)));
    out.append("\nExit codes:\n");
    EXIT_CODES.forEach((code, words) -> out.append(line(code, words)));
    return out.toString();
  }

  static String of(Verb verb) {
    StringBuilder out =
        new StringBuilder(("glora " + verb.name() + " [options] " + verb.arguments()).strip())
            .append("\n\n")
            .append(capital(verb.summary()))
            .append(".\n");
    if (!verb.details().isEmpty()) {
      out.append(WordUtils.wrap(verb.details(), WIDTH, "\n", false)).append('\n');
    }
    out.append("\nOptions:\n");
    Verbs.options(verb).getOptions().forEach(option -> out.append(option(option)));
    return out.toString();
  }

  private static String option(Option option) {
    String name =
        (option.getOpt() == null ? "" : "-" + option.getOpt() + ", ")
            + "--"
            + option.getLongOpt()
            + (option.hasArg() ? " " + option.getArgName() : "");
    return line(name, option.getDescription());
  }

  private static String line(String name, String text) {
    return "  " + name + " ".repeat(Math.max(2, COLUMN - name.length())) + text + "\n";
  }

  private static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
