package dev.glora.cli;

import dev.glora.GloraException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.commons.cli.Option;

/**
 * Completion for shells, made from the registry: verbs, options, the values that an option may
 * have, files, and the ids of runs, which are folders below the runs' and cost no Java.
 */
final class Completion {
  static final List<String> SHELLS = List.of("bash", "zsh", "fish");

  private static final String STATUSES = "planned running interrupted failed finished";

  private Completion() {}

  static String script(String shell) {
    return switch (shell) {
      case "bash" -> BASH.replace("@VALUED@", valued()).replace("@CASES@", cases(BASH_WORDS));
      case "zsh" -> ZSH.replace("@VALUED@", valued()).replace("@CASES@", cases(ZSH_WORDS));
      case "fish" -> fish();
      default ->
          throw GloraException.usage(
              "There is no completion for \""
                  + shell
                  + "\"; expected one of "
                  + String.join(", ", SHELLS)
                  + ".");
    };
  }

  /** How a shell offers words, files, folders, and the ids of runs. */
  private record Words(String words, String files, String folders, String runs) {}

  private static final Words BASH_WORDS =
      new Words("_glora_words '%s'", "_glora_files -f", "_glora_files -d", "_glora_runs");
  private static final Words ZSH_WORDS =
      new Words("compadd -- %s", "_files", "_files -/", "_glora_runs");

  private static final String BASH =
      """
      # Completion of glora for bash: source <(glora completion bash)
      _glora_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
      _glora_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen "$1" -- "$cur"); }
      _glora_runs() {
        local each names=
        for each in "$runs"/*/experiment.json; do
          each=${each%/experiment.json}
          [ "$each" = "$runs/*" ] || names="$names ${each##*/}"
        done
        _glora_words "$names"
      }
      _glora() {
        local cur=${COMP_WORDS[COMP_CWORD]} previous= verb= runs=runs i
        COMPREPLY=()
        for ((i = 1; i < COMP_CWORD; i++)); do
          previous=
          case ${COMP_WORDS[i]} in
          @VALUED@)
            previous=${COMP_WORDS[i]}
            ((++i < COMP_CWORD)) || break
            [ "$previous" != --runs ] || runs=${COMP_WORDS[i]}
            previous=
            ;;
          -*) ;;
          *) verb=${verb:-${COMP_WORDS[i]}} ;;
          esac
        done
        case $cur in -*) previous=- ;; esac
        case "$verb $previous" in
      @CASES@  esac
      }
      complete -F _glora glora ./glora
      """;

  private static final String ZSH =
      """
      #compdef glora
      # Completion of glora for zsh: source <(glora completion zsh), or a file _glora in $fpath
      _glora_runs() {
        local -a names
        names=("$runs"/*/experiment.json(N:h:t))
        compadd -a names
      }
      _glora() {
        local cur=$words[CURRENT] previous= verb= runs=runs i
        for ((i = 2; i < CURRENT; i++)); do
          previous=
          case $words[i] in
          @VALUED@)
            previous=$words[i]
            ((++i < CURRENT)) || break
            [ "$previous" != --runs ] || runs=$words[i]
            previous=
            ;;
          -*) ;;
          *) verb=${verb:-$words[i]} ;;
          esac
        done
        case $cur in -*) previous=- ;; esac
        case "$verb $previous" in
      @CASES@  esac
      }
      compdef _glora glora ./glora
      """;

  private static List<Option> options(Verb verb) {
    return new ArrayList<>(Verbs.options(verb).getOptions());
  }

  /** The options of any verb that take a value, as a pattern. */
  private static String valued() {
    TreeSet<String> names = new TreeSet<>();
    for (Verb verb : Verbs.ALL) {
      options(verb).stream()
          .filter(Option::hasArg)
          .forEach(option -> names.add("--" + option.getLongOpt()));
    }
    return String.join(" | ", names);
  }

  private static String cases(Words shell) {
    StringBuilder out = new StringBuilder();
    String verbs = Verbs.ALL.stream().map(Verb::name).collect(Collectors.joining(" "));
    for (Option option : Verbs.common().getOptions()) {
      if (option.hasArg()) {
        line(out, "*\" --" + option.getLongOpt() + "\"", value(shell, option.getArgName()));
      }
    }
    for (Verb verb : Verbs.ALL) {
      for (Option option : verb.options()) {
        if (option.hasArg()) {
          line(
              out,
              "\"" + verb.name() + " --" + option.getLongOpt() + "\"",
              value(shell, option.getArgName()));
        }
      }
      line(out, "\"" + verb.name() + " -\"", shell.words.formatted(names(options(verb))));
      line(out, "\"" + verb.name() + " \"", argument(shell, verb));
    }
    line(out, "\" -\"", shell.words.formatted(names(Verbs.common().getOptions())));
    line(out, "\" \"", shell.words.formatted(verbs));
    return out.toString();
  }

  private static String names(Iterable<Option> options) {
    StringBuilder out = new StringBuilder();
    options.forEach(
        option -> out.append(out.isEmpty() ? "" : " ").append("--").append(option.getLongOpt()));
    return out.toString();
  }

  private static void line(StringBuilder out, String pattern, String action) {
    out.append("  ").append(pattern).append(") ").append(action).append(" ;;\n");
  }

  /** What the first argument is, optional or not. */
  private static String first(Verb verb) {
    return verb.arguments().replaceAll("[\\[\\]]| .*", "");
  }

  private static String argument(Words shell, Verb verb) {
    String first = first(verb);
    return switch (first) {
      case "RUN" -> shell.runs;
      case "VERB" ->
          shell.words.formatted(
              Verbs.ALL.stream().map(Verb::name).collect(Collectors.joining(" ")));
      case "" -> ":";
      default -> value(shell, first);
    };
  }

  /** What stands for a value in help says what it may be. */
  private static String value(Words shell, String argument) {
    if (argument.contains("|")) {
      return shell.words.formatted(argument.replace('|', ' '));
    }
    return switch (argument) {
      case "DIR" -> shell.folders;
      case "FILE", "CSV" -> shell.files;
      case "STATUS" -> shell.words.formatted(STATUSES);
      default -> ":";
    };
  }

  private static String fish() {
    StringBuilder out =
        new StringBuilder("# Completion of glora for fish: glora completion fish | source\n");
    out.append("complete -c glora -f\n");
    for (Verb verb : Verbs.ALL) {
      out.append("complete -c glora -n __fish_use_subcommand -a ")
          .append(verb.name())
          .append(" -d ")
          .append(quoted(verb.summary()))
          .append('\n');
      String seen = " -n '__fish_seen_subcommand_from " + verb.name() + "'";
      String argument = first(verb);
      if (argument.equals("RUN")) {
        out.append("complete -c glora")
            .append(seen)
            .append(" -a '(path basename (path dirname runs/*/experiment.json))'\n");
      } else if (argument.contains("|")) {
        out.append("complete -c glora").append(seen).append(" -a ");
        out.append(quoted(argument.replace('|', ' '))).append('\n');
      } else if (argument.equals("FILE")) {
        out.append("complete -c glora").append(seen).append(" -F\n");
      }
      verb.options().forEach(option -> out.append(fish(seen, option)));
    }
    Verbs.common().getOptions().forEach(option -> out.append(fish("", option)));
    return out.toString();
  }

  private static String fish(String seen, Option option) {
    String value = "";
    if (option.hasArg()) {
      String argument = option.getArgName();
      boolean path = List.of("DIR", "FILE", "CSV").contains(argument);
      String words = argument.equals("STATUS") ? STATUSES : argument.replace('|', ' ');
      boolean listed = argument.contains("|") || argument.equals("STATUS");
      value = path ? " -r -F" : listed ? " -x -a " + quoted(words) : " -x";
    }
    return "complete -c glora"
        + seen
        + (option.getOpt() == null ? "" : " -s " + option.getOpt())
        + " -l "
        + option.getLongOpt()
        + value
        + " -d "
        + quoted(option.getDescription())
        + "\n";
  }

  private static String quoted(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
