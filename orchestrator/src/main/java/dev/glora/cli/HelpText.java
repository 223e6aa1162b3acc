package dev.glora.cli;

import org.apache.commons.cli.Option;
import org.apache.commons.text.WordUtils;

/** Help, made from the registry. */
final class HelpText {
  private static final int WIDTH = 96;
  private static final int COLUMN = 24;

  private HelpText() {}

  static String all() {
    StringBuilder out = new StringBuilder("glora VERB [options] [arguments]\n\n");
    for (Verb verb : Verbs.ALL) {
      out.append(line((verb.name() + " " + verb.arguments()).strip(), verb.summary()));
    }
    out.append("\nOptions of every verb:\n");
    Verbs.common().getOptions().forEach(option -> out.append(option(option)));
    out.append(
        """

        Environment: GLORA_PYTHON, GLORA_STORE, GLORA_CACHE (default ~/.cache/glora), GLORA_EVENTS (a
        file that gets a line for each event), NO_COLOR.
        Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 environment not usable,
        130 interrupted by Ctrl-C, 143 by TERM (state saved).
        """);
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
