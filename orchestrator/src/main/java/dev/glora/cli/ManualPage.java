package dev.glora.cli;

import java.util.stream.Collectors;
import org.apache.commons.cli.Option;

/** The manual page, made from the registry: roff with the macros of man(7). */
final class ManualPage {
  private ManualPage() {}

  static String roff(String version) {
    StringBuilder out = new StringBuilder();
    out.append(".TH GLORA 1 \"\" \"glora ")
        .append(escape(version))
        .append("\" \"User Commands\"\n");
    section(out, "NAME");
    out.append("glora \\- adapt pre\\-trained transformers by generalised LoRA\n");
    section(out, "SYNOPSIS");
    out.append(".B glora\n.I VERB\n[\\fIoptions\\fR] [\\fIarguments\\fR]\n");
    section(out, "DESCRIPTION");
    out.append(
            "Trains a super\\-network of support tensors at every linear layer, searches the form"
                + " of")
        .append(
            " each tensor under a parameter budget, merges the winner into the weights, and keeps")
        .append(" a record from which every number can be made again.\n");
    section(out, "VERBS");
    for (Verb verb : Verbs.ALL) {
      out.append(".SS \"").append(escape((verb.name() + " " + verb.arguments()).strip()));
      out.append("\"\n").append(text(capital(verb.summary()) + "."));
      if (!verb.details().isEmpty()) {
        out.append(text(verb.details()));
      }
      verb.options().forEach(option -> out.append(option(option)));
    }
    section(out, "OPTIONS OF EVERY VERB");
    Verbs.common().getOptions().forEach(option -> out.append(option(option)));
    section(out, "ENVIRONMENT");
    HelpText.ENVIRONMENT.forEach((name, words) -> out.append(entry(name, words)));
    section(out, "EXIT STATUS");
    HelpText.EXIT_CODES.forEach((code, words) -> out.append(entry(code, words)));
    section(out, "EXAMPLES");
    out.append(
        entry("glora run experiments/quickstart.yaml seeds=[0,1,2]", "run with three seeds"));
    out.append(entry("glora table experiments/quickstart.yaml", "their mean and deviation"));
    out.append(entry("source <(glora completion bash)", "completion in this shell"));
    return out.toString();
  }

  private static void section(StringBuilder out, String name) {
    out.append(".SH ").append(name).append('\n');
  }

  private static String option(Option option) {
    String names =
        (option.getOpt() == null ? "" : "-" + option.getOpt() + ", ")
            + "--"
            + option.getLongOpt()
            + (option.hasArg() ? " " + option.getArgName() : "");
    return entry(names, option.getDescription());
  }

  private static String entry(String name, String words) {
    return ".TP\n\\fB"
        + escape(name)
        + "\\fR\n"
        + text(capital(words) + (words.endsWith(".") ? "" : "."));
  }

  private static String text(String words) {
    return escape(words).lines().map(ManualPage::line).collect(Collectors.joining("\n")) + "\n";
  }

  /** A line that begins with a dot or an apostrophe would be a request. */
  private static String line(String line) {
    return line.startsWith(".") || line.startsWith("'") ? "\\&" + line : line;
  }

  private static String escape(String text) {
    return text.replace("\\", "\\e").replace("-", "\\-").replace("\"", "\\(dq");
  }

  private static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
