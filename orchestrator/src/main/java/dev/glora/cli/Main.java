package dev.glora.cli;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.api.Answer;
import dev.glora.api.Failure;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.slf4j.LoggerFactory;

/** The command {@code glora}. */
public final class Main {
  private static final int NEAR = 2;

  private Main() {}

  /**
   * Runs a command and ends the process.
   *
   * @param arguments the command line
   */
  public static void main(String[] arguments) {
    // UTF-8 whatever the locale says: JSON requires it, and a sign like ± has no other form.
    PrintStream out = stream(FileDescriptor.out);
    System.setErr(stream(FileDescriptor.err));
    int code = run(arguments, out, System.err);
    out.flush();
    System.exit(code);
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /**
   * Runs a command.
   *
   * @param arguments the command line
   * @param out standard output: answers
   * @param err standard error: progress and errors
   * @return the exit status
   */
  public static int run(String[] arguments, PrintStream out, PrintStream err) {
    Call call = null;
    try {
      call = call(List.of(arguments), out, err);
      Logs.start(call.runs(), call.verbose(), err);
      Answer answer = call.verb().action().run(call);
      if (call.json()) {
        out.println(Json.pretty(answer.json()));
      } else {
        out.print(answer.text());
      }
      return answer.code().code();
    } catch (Throwable e) { // The one place where everything ends, errors of the JVM too.
      Failure failure = Failure.of(e);
      if (call != null && failure.code() != ExitCode.USAGE && !stopped(failure)) {
        LoggerFactory.getLogger(Main.class).error("{}", failure.sentence(), e);
      }
      err.println(failure.sentence());
      return failure.code().code();
    }
  }

  private static boolean stopped(Failure failure) {
    return failure.code() == ExitCode.INTERRUPTED || failure.code() == ExitCode.TERMINATED;
  }

  private static Call call(List<String> given, PrintStream out, PrintStream err) {
    List<String> words = new ArrayList<>(given);
    int at = verbAt(words);
    String name = at < words.size() ? words.remove(at) : "help";
    Verb verb = Verbs.find(name).orElseThrow(() -> unknown(name));
    CommandLine options = parse(verb, words);
    if (options.hasOption("help")) {
      return call(List.of("help", name), out, err);
    }
    List<String> arguments = options.getArgList();
    if (arguments.size() < verb.least() || arguments.size() > verb.most()) {
      throw GloraException.usage(
          "glora "
              + name
              + " was given "
              + (arguments.isEmpty() ? "nothing" : "\"" + String.join(" ", arguments) + "\"")
              + ", expected "
              + (verb.arguments().isEmpty() ? "no arguments" : verb.arguments())
              + "; see glora help "
              + name
              + ".");
    }
    return new Call(verb, options, arguments, out, err);
  }

  /** The verb is the first word that is neither an option nor an option's value. */
  private static int verbAt(List<String> words) {
    int at = 0;
    while (at < words.size() && words.get(at).startsWith("-")) {
      String word = words.get(at);
      Option option = Verbs.common().getOption(word);
      at += option != null && option.hasArg() ? 2 : 1;
    }
    return at;
  }

  private static CommandLine parse(Verb verb, List<String> words) {
    try {
      DefaultParser parser = DefaultParser.builder().setAllowPartialMatching(false).get();
      return parser.parse(Verbs.options(verb), words.toArray(String[]::new));
    } catch (UnrecognizedOptionException e) {
      throw GloraException.usage(
          "glora "
              + verb.name()
              + " has no option "
              + e.getOption()
              + "; see glora help "
              + verb.name()
              + ".");
    } catch (MissingArgumentException e) {
      throw GloraException.usage(
          "The option --"
              + e.getOption().getLongOpt()
              + " needs a value ("
              + e.getOption().getArgName()
              + "); see glora help "
              + verb.name()
              + ".");
    } catch (ParseException e) {
      throw GloraException.usage(
          "The command line cannot be read ("
              + e.getMessage()
              + "); see glora help "
              + verb.name()
              + ".");
    }
  }

  private static GloraException unknown(String name) {
    LevenshteinDistance distance = new LevenshteinDistance(NEAR);
    Optional<String> near =
        Verbs.ALL.stream()
            .map(Verb::name)
            .filter(verb -> distance.apply(name, verb) >= 0)
            .min((a, b) -> distance.apply(name, a) - distance.apply(name, b));
    return GloraException.usage(
        "There is no verb \""
            + name
            + "\""
            + near.map(verb -> "; did you mean \"" + verb + "\"?")
                .orElse("; glora help lists those that there are."));
  }
}
