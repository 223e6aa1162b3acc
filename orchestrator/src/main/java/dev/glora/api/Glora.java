package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.ExperimentPage;
import dev.glora.experiment.ExperimentSchema;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.plan.RunPlan;
import dev.glora.report.RunTables;
import dev.glora.report.plot.RunPlots;
import dev.glora.run.CancelToken;
import dev.glora.run.Device;
import dev.glora.run.ExperimentRunner;
import dev.glora.run.RunListener;
import dev.glora.run.RunnerOptions;
import dev.glora.store.Liveness;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * glora in one object: what the command line does, and all that the command line uses.
 *
 * <pre>{@code
 * Glora glora = Glora.builder().runs(Path.of("runs")).build();
 * Answer run = glora.run(Path.of("experiments/quickstart.yaml"), "seeds=[0,1,2]");
 * System.out.println(run.at("/runs/0/metrics/test/accuracy"));
 * }</pre>
 *
 * <p>An object has no state but its settings: every call opens what it needs and closes it. Calls
 * that run something start Python in this process, once; they must not be made by two threads at a
 * time. All others may.
 *
 * <p>Whatever goes wrong is a {@link GloraException} of one sentence with the exit code of the
 * command; {@link Failure} words everything else so.
 */
public final class Glora {
  private final Settings settings;

  private Glora(Settings settings) {
    this.settings = settings;
  }

  /**
   * Begins to set up.
   *
   * @return a builder with the command line's defaults
   */
  public static Builder builder() {
    return new Builder(System.getenv());
  }

  /**
   * Runs an experiment, or goes on with it.
   *
   * @param file the experiment file
   * @param overrides settings laid over it, such as {@code training.steps=100}
   * @return {@code {experiment, report, runs: […]}}, each run as {@link #show} gives it
   */
  public Answer run(Path file, String... overrides) {
    ModelRuns models = new ModelRuns(planner(), settings);
    List<PlannedRun> plan = models.plan(file, List.of(overrides));
    try (RunStore store = settings.openStore()) {
      models.make(settings, store);
      return new Execution(settings, store).run(plan, "the same command");
    }
  }

  /**
   * Plans an experiment and changes nothing.
   *
   * @param file the experiment file
   * @param overrides settings laid over it, such as {@code training.steps=100}
   * @return {@code {experiment, runs: [{run, state, reason, seconds, …}], counts, seconds,
   *     unknown}}, see {@link RunPlan#document}
   */
  public Answer plan(Path file, String... overrides) {
    ModelRuns models = new ModelRuns(planner(), settings);
    List<PlannedRun> own = models.plan(file, List.of(overrides));
    List<PlannedRun> plan = new ArrayList<>(models.missing());
    plan.addAll(own);
    Optional<RunStore> store = settings.existingStore();
    try {
      ObjectNode document = RunPlan.document(RunPlan.of(store, settings.runs(), plan));
      document.put("experiment", own.get(0).experiment().name());
      return Answer.of(document, RunTables.plan(document));
    } finally {
      store.ifPresent(RunStore::close);
    }
  }

  /**
   * Tells what an experiment file may hold.
   *
   * @return its JSON Schema; the text is the reference in Markdown that is made from it
   */
  public Answer schema() {
    return Answer.of(ExperimentSchema.json(), ExperimentPage.markdown());
  }

  /**
   * Drafts an experiment for a table of one's own.
   *
   * @param data a TSV, CSV, JSON lines or Parquet file with texts and classes
   * @param model source of the pre-trained model
   * @param output the experiment file to write, which must not be there
   * @param textColumn the column with the texts, empty to guess it
   * @param labelColumn the column with the classes, empty to guess it
   * @return as {@link #init(Path, String, Path, DataColumns)} does
   */
  public Answer init(
      Path data,
      String model,
      Path output,
      Optional<String> textColumn,
      Optional<String> labelColumn) {
    return init(
        data,
        model,
        output,
        new DataColumns(textColumn, Optional.empty(), labelColumn, Optional.empty()));
  }

  /**
   * Drafts an experiment for data of one's own.
   *
   * @param data a TSV, CSV, JSON lines or Parquet file, a folder with train, val and test as such
   *     files, or a folder that {@code datasets} saved; for a model of images a folder with a
   *     folder for each class, or a list of paths and classes; for a causal language model also
   *     instructions and their answers as JSON
   * @param model source of the pre-trained model
   * @param output the experiment file to write, which must not be there
   * @param columns what is known of the table
   * @return {@code {experiment, guess: {kind, rows, texts, columns, text_column, pair_column,
   *     label_column, split_column, target, label_separator, classes, numbers, given, tokens,
   *     max_length, cut, split, stratified, batch_size, steps, lora_rank, lora_parameters}}}, and
   *     what else its kind has
   */
  public Answer init(Path data, String model, Path output, DataColumns columns) {
    return new OwnData(settings).init(data, model, output, columns);
  }

  /**
   * Scores new rows with the merged model of a run's primary final.
   *
   * @param run an id, a key, or the beginning of one of them
   * @param input a TSV, CSV or JSON lines file, or plain text with a row a line
   * @param output where the rows go, with their prediction and its probability
   * @param textColumn the column with the texts, empty for the run's own
   * @return as {@link #predict(String, Path, Path, DataColumns)} does
   */
  public Answer predict(String run, Path input, Path output, Optional<String> textColumn) {
    return predict(
        run,
        input,
        output,
        new DataColumns(textColumn, Optional.empty(), Optional.empty(), Optional.empty()));
  }

  /**
   * Scores new rows with the merged model of a run's primary final.
   *
   * @param run an id, a key, or the beginning of one of them
   * @param input a TSV, CSV, JSON lines or Parquet file, or plain text with a row a line; for a
   *     model of images a folder, a list of paths, or a picture; for one that was taught answers
   *     JSON
   * @param output where the rows go, with their prediction and its probability
   * @param columns the columns with the texts, empty for the run's own
   * @return {@code {run, model, output, rows, cut, kind, counts: {class: rows}, numbers: {least,
   *     mean, greatest}}}
   */
  public Answer predict(String run, Path input, Path output, DataColumns columns) {
    try (RunStore store = existing()) {
      RunRow row = Queries.one(store, run);
      return new OwnData(settings).predict(store, row, input, output, columns);
    }
  }

  /**
   * Tells what the document of an answer holds.
   *
   * @param verb name of the verb that gives it, such as {@code table}
   * @return its JSON Schema
   */
  public Answer schema(String verb) {
    JsonNode schema = Schemas.of(verb);
    return Answer.of(schema, Json.pretty(schema) + "\n");
  }

  /**
   * Goes on with one run.
   *
   * @param run an id, a key, or the beginning of one of them
   * @return as {@link #run} gives it
   */
  public Answer resume(String run) {
    try (RunStore store = existing()) {
      return again(store, Queries.one(store, run), "glora resume ");
    }
  }

  /**
   * Runs a failed run again, with all its attempts.
   *
   * @param run an id, a key, or the beginning of one of them
   * @return as {@link #run} gives it
   */
  public Answer retry(String run) {
    try (RunStore store = existing()) {
      RunRow row = Queries.one(store, run);
      if (row.status() != RunStatus.FAILED) {
        throw GloraException.usage(
            "The run "
                + row.id()
                + " is "
                + Liveness.status(store, settings.runs(), row).name().toLowerCase(Locale.ROOT)
                + ", expected a failed one; glora resume "
                + row.id()
                + " goes on with one that is not finished.");
      }
      ExperimentRunner.resetAttempts(store, row.id());
      return again(store, row, "glora retry ");
    }
  }

  private Answer again(RunStore store, RunRow row, String verb) {
    PlannedRun planned = planner().replan(row.resolved());
    if (!planned.id().equals(row.id())) {
      throw GloraException.failed(
          "The run "
              + row.id()
              + " was begun by other code of glora, with which its numbers would not go together;"
              + " give its experiment to glora run, which begins a new run.");
    }
    return new Execution(settings, store).run(List.of(planned), verb + row.id());
  }

  /**
   * Lists runs.
   *
   * @param filter which of them
   * @return {@code {total, offset, runs: [{run, status, …}]}}
   */
  public Answer list(RunFilter filter) {
    return Queries.list(settings, filter);
  }

  /**
   * Shows a run.
   *
   * @param run an id, a key, or the beginning of one of them
   * @return everything known of it
   */
  public Answer show(String run) {
    try (RunStore store = existing()) {
      return Queries.show(store, settings.runs(), run);
    }
  }

  /**
   * Shows what is at work, interrupted or failed.
   *
   * @return {@code {counts: {STATUS: n}, runs: [{run, status, stage, …}]}}
   */
  public Answer status() {
    return Queries.status(settings);
  }

  /**
   * Removes what nothing refers to: see {@link dev.glora.store.Garbage}.
   *
   * @param checkpoints whether those of finished runs go too
   * @param delete whether to remove; else it is only told what would be
   * @return {@code {deleted, bytes, items: [{kind, path, bytes}], unknown: […]}}
   */
  public Answer gc(boolean checkpoints, boolean delete) {
    try (RunStore store = existing()) {
      return GarbageAnswer.of(store.garbage(settings.runs()), checkpoints, delete);
    }
  }

  /**
   * Asks a search for trials. No Python is started; a search without a state begins.
   *
   * @param state file of the search's state
   * @param definition file with seed, sites and the method's settings, or null to go on with a
   *     state
   * @param most greatest number of trials
   * @return the open trials of this generation, the same again until they are told
   */
  public Answer searchAsk(Path state, Path definition, int most) {
    return new SearchFile(state).ask(Optional.ofNullable(definition), most);
  }

  /**
   * Asks a search for trials that are handed to nobody else until their leases expire; then anybody
   * gets them, under a higher token.
   *
   * @param state file of the search's state
   * @param definition file with seed, sites and the method's settings, or null to go on with a
   *     state
   * @param most greatest number of trials
   * @param owner who will evaluate them
   * @param length how long the leases hold without being renewed
   * @return trials that nobody holds, each with {@code lease.token}, with which it is to be told;
   *     none while others hold all that are open
   */
  public Answer searchLease(Path state, Path definition, int most, String owner, Duration length) {
    return new SearchFile(state).lease(Optional.ofNullable(definition), most, owner, length);
  }

  /**
   * Lengthens the leases of trials, all of them or none.
   *
   * @param state file of the search's state
   * @param leased one JSON document: an object with {@code trial} and {@code token}, or {@code
   *     trials}, a list of them
   * @param length how long the leases hold from now on
   * @return which were renewed; one that has its result by now is not among them
   */
  public Answer searchRenew(Path state, String leased, Duration length) {
    return new SearchFile(state).renew(leased, length);
  }

  /**
   * Tells a search results, all of them or none. Telling again changes nothing.
   *
   * @param state file of the search's state
   * @param results one JSON document: an object with {@code trial}, {@code accuracy} and {@code
   *     loss}, and {@code token} where the trial is leased, or {@code trials}, a list of them
   * @return what was new, and where the search is
   */
  public Answer searchTell(Path state, String results) {
    return new SearchFile(state).tell(results);
  }

  /**
   * Puts the runs of an experiment side by side over their seeds, and what was published beside
   * them.
   *
   * @param file the experiment file
   * @param options what is shown
   * @param overrides settings laid over the file; with {@code seeds=…} only those seeds count, else
   *     all that were run
   * @return {@code {experiment, split, metric, unit, rows, missing}}; its text in the given format
   */
  public Answer table(Path file, TableOptions options, String... overrides) {
    List<PlannedRun> plan = new ModelRuns(planner(), settings).plan(file, List.of(overrides));
    boolean seeds = Arrays.stream(overrides).anyMatch(each -> each.startsWith("seeds="));
    return Tables.table(settings, file, plan, seeds, options);
  }

  /**
   * Says what differs between two runs, or between two structures.
   *
   * @param first a run, or a file with a structure
   * @param second another one of the same kind
   * @return {@code {compared, configuration, environment, same_fingerprint, metrics, parameters,
   *     digests, structure}}; of structures {@code {compared, structure}}
   */
  public Answer compare(String first, String second) {
    return Tables.compare(settings, first, second);
  }

  /**
   * Draws a run: learning curve, search history, Pareto front, structure, share of forms by depth,
   * each as SVG and as PNG.
   *
   * @param run an id, a key, or the beginning of one of them
   * @param folder where the pictures go, or null for {@code plots} in the run's folder
   * @return {@code {run, plots: [{name, svg, png}]}}
   */
  public Answer plot(String run, Path folder) {
    try (RunStore store = existing()) {
      RunRow row = Queries.one(store, run);
      Path into = folder == null ? settings.runs().resolve(row.id()).resolve("plots") : folder;
      ObjectNode drawn = RunPlots.write(store, row, into);
      StringBuilder text = new StringBuilder();
      drawn
          .path("plots")
          .forEach(
              each ->
                  text.append(each.path("svg").asText())
                      .append('\n')
                      .append(each.path("png").asText())
                      .append('\n'));
      if (text.isEmpty()) {
        text.append("The run ").append(row.id()).append(" has nothing to draw yet.\n");
      }
      return Answer.of(drawn, text.toString());
    }
  }

  /**
   * Runs a finished run again and compares digests and metrics.
   *
   * @param run an id, a key, or the beginning of one of them
   * @param tolerance greatest difference of an accuracy or F1, as a share of 1, where the
   *     environment is another one; in the same environment everything must be equal
   * @return {@code {run, again, reproduced, same_fingerprint, same_code, tolerance, metrics,
   *     digests, environment}}, with {@link dev.glora.ExitCode#DIFFERS} where it differs
   */
  public Answer reproduce(String run, double tolerance) {
    try (RunStore store = existing()) {
      RunRow row = Queries.one(store, run);
      return new Reproduction(settings, store, row, tolerance).run(planner());
    }
  }

  /**
   * Writes a finished run into one file, which another machine can import and reproduce.
   *
   * @param run an id, a key, or the beginning of one of them
   * @param file the file, or null for {@code RUN.glora} in the working folder
   * @param models whether the merged models go in, which are as large as the model
   * @return {@code {run, file, bytes, sha256, files}}
   */
  public Answer bundle(String run, Path file, boolean models) {
    try (RunStore store = existing()) {
      RunRow row = Queries.one(store, run);
      Path into = file == null ? Path.of(row.id() + ".glora") : file;
      return new BundleWriter(store, settings.runs(), row).write(into, models);
    }
  }

  /**
   * Takes a run in from a bundle, after every digest in it was checked.
   *
   * @param file the bundle
   * @return {@code {run, imported}}
   */
  public Answer importBundle(Path file) {
    return new BundleReader(file).read(settings);
  }

  /**
   * Copies what a run made to where other programs read it.
   *
   * @param run an id, a key, or the beginning of one of them
   * @param format {@code hf} (the merged model's folder), {@code peft} (PEFT's adapter, where the
   *     method is one of PEFT's) or {@code safetensors} (the adapter)
   * @param mode the final, or null for the primary one
   * @param output a folder that is not there, or is empty
   * @return {@code {run, final, format, output, digest, files}}
   */
  public Answer export(String run, String format, String mode, Path output) {
    try (RunStore store = existing()) {
      RunRow row = Queries.one(store, run);
      return new Export(store, settings.runs(), row).write(format, mode, output);
    }
  }

  /**
   * Checks Java, Python, disk and memory.
   *
   * @param each gets a line for each check when it is done
   * @return {@code {usable, checks: [{check, ok, found}]}}; its text is the last line alone
   */
  public Answer doctor(Consumer<String> each) {
    return new Doctor(settings, each).run();
  }

  /**
   * Looks at a copy of VTAB-1k: what is missing of its lists and pictures, and what makes its
   * numbers other than published ones, such as pictures that were compressed anew.
   *
   * @param vtab folder with a folder for each of the 19 tasks
   * @param each gets a line for each task
   * @return {@code {usable, checks: [{check, ok, found}]}}, a check for each task
   */
  public Answer doctor(Path vtab, Consumer<String> each) {
    return new Doctor(settings, each).vtab(vtab);
  }

  /**
   * Tells the version.
   *
   * @return {@code {glora, java, code}}
   */
  public Answer version() {
    return Answer.of(
        Json.object()
            .put("glora", Product.version())
            .put("java", System.getProperty("java.version"))
            .put("code", CodeVersion.digest(settings.modules())),
        "glora " + Product.version() + "\n");
  }

  private Planner planner() {
    return new Planner(CodeVersion.digest(settings.modules()));
  }

  private RunStore existing() {
    return settings.existingStore().orElseThrow(() -> Queries.noRuns(settings.runs()));
  }

  /** Sets up a {@link Glora}. Everything has a default. */
  public static final class Builder {
    private Path checkout = Path.of(System.getProperty("glora.root", ""));
    private Path runs = Path.of("runs");
    private String store;
    private Path python;
    private Path cache;
    private RunnerOptions runner = RunnerOptions.DEFAULT;
    private Path events;
    private RunListener listener = new RunListener() {};
    private Consumer<String> notes = line -> {};
    private CancelToken cancel = new CancelToken();
    private Runnable pythonStarted = () -> {};

    private Builder(Map<String, String> environment) {
      this.store = environment.getOrDefault("GLORA_STORE", "");
      this.python = path(environment.get("GLORA_PYTHON"));
      this.cache = path(environment.get("GLORA_CACHE"));
      this.events = path(environment.get("GLORA_EVENTS"));
    }

    private static Path path(String value) {
      return value == null || value.isEmpty() ? null : Path.of(value);
    }

    /**
     * Sets the folder of the runs.
     *
     * @param folder default {@code runs}
     * @return this
     */
    public Builder runs(Path folder) {
      runs = Objects.requireNonNull(folder);
      return this;
    }

    /**
     * Sets the store.
     *
     * @param url {@code postgresql://USER:PASSWORD@HOST:PORT/DATABASE}, or an empty string for
     *     SQLite in the folder of the runs; default: what {@code GLORA_STORE} names, else SQLite
     * @return this
     */
    public Builder store(String url) {
      store = Objects.requireNonNull(url);
      return this;
    }

    /**
     * Sets the Python executable.
     *
     * @param executable default: what the environment variable {@code GLORA_PYTHON} names, else
     *     {@code .venv/bin/python} of the checkout
     * @return this
     */
    public Builder python(Path executable) {
      python = Objects.requireNonNull(executable);
      return this;
    }

    /**
     * Sets the folder of fetched models and prepared data.
     *
     * @param folder default: what {@code GLORA_CACHE} names, else {@code ~/.cache/glora}
     * @return this
     */
    public Builder cache(Path folder) {
      cache = Objects.requireNonNull(folder);
      return this;
    }

    /**
     * Sets the folder of the sources, whose Python package is used in place of an installed one.
     *
     * @param folder default: the system property {@code glora.root}, else the working folder; one
     *     without {@code python-runtime/src} stands for an installed package
     * @return this
     */
    public Builder checkout(Path folder) {
      checkout = Objects.requireNonNull(folder);
      return this;
    }

    /**
     * Sets the number of worker processes that do the runs. Results do not depend on it.
     *
     * @param count at least 1; default: one for each device, and without devices none, so that the
     *     runs are done in this process
     * @return this
     */
    public Builder workers(int count) {
      runner =
          new RunnerOptions(
              OptionalInt.of(count), runner.devices(), runner.attempts(), runner.patience());
      return this;
    }

    /**
     * Sets what the worker processes compute on, dealt out in turn.
     *
     * @param list such as {@code cpu} or {@code cuda:0,cuda:1}; default: the experiment's device
     * @return this
     */
    public Builder devices(String list) {
      runner =
          new RunnerOptions(
              runner.workers(),
              Optional.of(Device.list(list)),
              runner.attempts(),
              runner.patience());
      return this;
    }

    /**
     * Sets how often a run is begun whose worker dies or hangs.
     *
     * @param count at least 1; default: what the experiment says, else 3
     * @return this
     */
    public Builder attempts(int count) {
      runner =
          new RunnerOptions(
              runner.workers(), runner.devices(), OptionalInt.of(count), runner.patience());
      return this;
    }

    /**
     * Sets the least time without a step after which a worker counts as hung: it is ended, and what
     * it was at is begun again. A worker whose slowest step took longer gets ten times that, one at
     * work without steps ten times the patience.
     *
     * @param time at least a second; default: two minutes
     * @return this
     */
    public Builder patience(Duration time) {
      runner =
          new RunnerOptions(
              runner.workers(), runner.devices(), runner.attempts(), Optional.of(time));
      return this;
    }

    /**
     * Sets a file that gets a line for each event: {@code EPOCH_MILLISECONDS RUN STAGE DONE/TOTAL}.
     *
     * @param file default: what {@code GLORA_EVENTS} names, else none
     * @return this
     */
    public Builder events(Path file) {
      events = Objects.requireNonNull(file);
      return this;
    }

    /**
     * Sets who is told how runs go on.
     *
     * @param progress default: nobody
     * @return this
     */
    public Builder listener(RunListener progress) {
      listener = Objects.requireNonNull(progress);
      return this;
    }

    /**
     * Sets who is told what is planned and why.
     *
     * @param sentences gets one sentence a call; default: nobody
     * @return this
     */
    public Builder notes(Consumer<String> sentences) {
      notes = Objects.requireNonNull(sentences);
      return this;
    }

    /**
     * Sets what stops runs between two steps, with their state saved.
     *
     * @param token may be cancelled from any thread
     * @return this
     */
    public Builder cancel(CancelToken token) {
      cancel = Objects.requireNonNull(token);
      return this;
    }

    /**
     * Sets what is called when Python has started: it may have taken Ctrl-C for itself.
     *
     * @param action default: nothing
     * @return this
     */
    public Builder pythonStarted(Runnable action) {
      pythonStarted = Objects.requireNonNull(action);
      return this;
    }

    /**
     * Ends the set-up.
     *
     * @return the object; nothing is opened or made yet
     */
    public Glora build() {
      Path root = checkout.toAbsolutePath().normalize();
      return new Glora(
          new Settings(
              root,
              runs,
              store,
              python != null ? python : root.resolve(Path.of(".venv", "bin", "python")),
              cache != null
                  ? cache.toAbsolutePath()
                  : Path.of(System.getProperty("user.home"), ".cache", "glora"),
              runner,
              events,
              listener,
              notes,
              cancel,
              pythonStarted));
    }
  }
}
