package dev.glora.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/**
 * The store of runs: {@code glora.db} in the folder of the runs (SQLite), or a PostgreSQL database.
 *
 * <p>Every method that writes is one transaction, on disk when it returns. All methods may be
 * called from any thread. A store that cannot be used (full disk, locked, damaged, read-only)
 * throws a {@link dev.glora.GloraException} of one sentence.
 *
 * <p>What a run is known by is kept in sections of free-form JSON. A name with a dot is an entry of
 * the object before the dot ({@code timings.search} is read back as {@code {"timings": {"search":
 * …}}}). The reports read:
 *
 * <ul>
 *   <li>{@code environment}: what {@code glora.java.environment} returns, plus {@code java}, {@code
 *       os}, {@code cpu}, {@code git}
 *   <li>{@code data}: {@code {rows: {train, val, test}, labels: […], digest, path}}
 *   <li>{@code model}: {@code {source, digest}}
 *   <li>{@code parameters}: {@code {trainable, adapter, stored, folded, head, total}}; {@code
 *       adapter} counts as trained, without the head
 *   <li>{@code timings.<stage>}: seconds over all processes that worked at the stage
 *   <li>{@code memory.<stage>}: greatest resident memory in MiB
 *   <li>{@code head}: for the tuned head {@code {learning_rate, tried: [{learning_rate, accuracy,
 *       loss}]}}
 *   <li>{@code search}: {@code {strategy, start, evaluations, generations, best: {accuracy, loss},
 *       range: {min, max}}}
 *   <li>{@code structure}: {@code {sites: [{name, A, B, C, D, E}], codes}} with form names ({@code
 *       none}, {@code scalar}, {@code vector}, {@code lora-4}) and the codes in Base64
 *   <li>{@code curve.<stage>}: {@code [[step, loss], …]}
 *   <li>{@code attempts}: {@code {failures: [{kind, reason, worker, at}], micro_batch}}; a restart
 *       leaves it
 * </ul>
 *
 * <p>A final's record: {@code {mode, primary, parameters: {…as above}, metrics: {val: {accuracy,
 * loss}, test: {accuracy, loss, macro_f1}}, merge: {max_abs_diff, identical, rows}, digests:
 * {structure, adapter, merged}}}. Methods without a search write one of mode {@code train}, which
 * is primary.
 */
public final class RunStore implements AutoCloseable {
  private final Database database;
  private final List<Lease> held;

  private RunStore(Database database, List<Lease> held) {
    this.database = database;
    this.held = held;
  }

  /**
   * Opens the SQLite store of a folder for reading and writing; makes both when missing.
   *
   * @param runs folder of the runs
   * @return the store, to be closed by the caller
   */
  public static RunStore open(Path runs) {
    return open(runs, "");
  }

  /**
   * Opens a store for reading and writing; makes it when missing.
   *
   * @param runs folder of the runs
   * @param url {@code postgresql://USER:PASSWORD@HOST:PORT/DATABASE}, or an empty string for SQLite
   *     in the folder of the runs
   * @return the store, to be closed by the caller
   */
  public static RunStore open(Path runs, String url) {
    return new RunStore(
        url.isEmpty() ? SqliteDatabase.open(runs) : PostgresDatabase.open(PostgresAddress.of(url)),
        List.of());
  }

  /**
   * Opens the SQLite store of a folder for questions, also where the folder cannot be written.
   *
   * @param runs folder of the runs
   * @return the store, or nothing where the folder has none
   */
  public static Optional<RunStore> openExisting(Path runs) {
    return openExisting(runs, "");
  }

  /**
   * Opens a store for questions, also where it cannot be written.
   *
   * @param runs folder of the runs
   * @param url as for {@link #open(Path, String)}
   * @return the store, or nothing where there is none
   */
  public static Optional<RunStore> openExisting(Path runs, String url) {
    Optional<? extends Database> database =
        url.isEmpty()
            ? SqliteDatabase.openExisting(runs)
            : PostgresDatabase.openExisting(PostgresAddress.of(url));
    return database.map(found -> new RunStore(found, List.of()));
  }

  /**
   * The same store, for who works under a lease: each write of the lease's run is refused once the
   * lease is lost, in the transaction of the write. Of a view the leases add up: who helps with a
   * run writes under its own lease and the run's.
   *
   * @param lease a lease
   * @return a view that need not be closed
   */
  public RunStore under(Lease lease) {
    return new RunStore(database, Stream.concat(held.stream(), Stream.of(lease)).toList());
  }

  /**
   * Who works on what.
   *
   * @return the leases of this store
   */
  public Leases leases() {
    return new Leases(database);
  }

  /**
   * Which evaluations are under way.
   *
   * @param lease a lease, under which claims are made
   * @return the claims of this store
   */
  public Claims claims(Lease lease) {
    return new Claims(database, lease);
  }

  /**
   * The files that runs gave.
   *
   * @param runs folder of the runs
   * @return the artifacts in it
   */
  public Artifacts artifacts(Path runs) {
    return new Artifacts(database, runs, held);
  }

  /**
   * What nothing refers to.
   *
   * @param runs folder of the runs
   * @return what finds and removes it
   */
  public Garbage garbage(Path runs) {
    return new Garbage(database, runs);
  }

  /**
   * Tells a listener before and after each commit.
   *
   * @param listener called on the thread that commits
   */
  public void onCommit(CommitListener listener) {
    database.onCommit(listener);
  }

  /**
   * Enters a run, or finds the one that is there.
   *
   * @param run a planned run
   * @return its row; a known run keeps its status
   */
  public RunRow upsert(PlannedRun run) {
    return write(
        run.id(),
        "run",
        handle -> {
          RunTable.insert(handle, run, Instant.now());
          return RunTable.find(handle, run.id()).orElseThrow();
        });
  }

  /**
   * Finds a run by its id.
   *
   * @param id full id
   * @return its row
   */
  public Optional<RunRow> find(String id) {
    return read(handle -> RunTable.find(handle, id));
  }

  /**
   * Finds the runs that a user may mean.
   *
   * @param text an id, a key, or the beginning of one of them
   * @return the one with exactly that id, else all whose id or key begins so, newest first
   */
  public List<RunRow> matching(String text) {
    return read(handle -> RunTable.matching(handle, text));
  }

  /**
   * Finds the run that was last planned in the place of another: same experiment, variant, label
   * and seed, other key.
   *
   * @param run a planned run
   * @return the row of the one before it
   */
  public Optional<RunRow> before(PlannedRun run) {
    return read(handle -> RunTable.before(handle, run));
  }

  /**
   * Tells how long finished runs took.
   *
   * @param method kind of the method
   * @param most greatest number of runs
   * @return the latest ones, newest first
   */
  public List<Timing> timings(String method, int most) {
    return read(handle -> RunTable.timings(handle, method, most));
  }

  /**
   * Tells which stage a run began last.
   *
   * @param run the run's id
   * @return name of the stage
   */
  public Optional<String> lastStage(String run) {
    return read(handle -> RunTable.lastStage(handle, run));
  }

  /**
   * Lists the runs.
   *
   * @return all runs in the order of their entering
   */
  public List<RunRow> runs() {
    return read(RunTable::all);
  }

  /**
   * Lists runs in short: a page of them, without reading what it does not show.
   *
   * @param experiment name of their experiment, or null for all
   * @param statuses where they stand
   * @param limit at most so many, the newest; 0 for all
   * @param offset so many of the newest are left out
   * @return the page in the order of their entering
   */
  public List<RunSummary> summaries(
      String experiment, Set<RunStatus> statuses, int limit, int offset) {
    return read(handle -> RunTable.summaries(handle, experiment, statuses, limit, offset));
  }

  /**
   * Counts runs.
   *
   * @param experiment name of their experiment, or null for all
   * @param statuses where they stand
   * @return how many there are
   */
  public int count(String experiment, Set<RunStatus> statuses) {
    return read(handle -> RunTable.count(handle, experiment, statuses));
  }

  /**
   * Counts the runs by where they stand.
   *
   * @return an entry for each status that some run has
   */
  public Map<RunStatus, Integer> counts() {
    return read(RunTable::counts);
  }

  /**
   * Sets where a run stands, and notes it as an event.
   *
   * @param run the run's id
   * @param status where it stands now
   * @param reason one sentence, or an empty string
   */
  public void status(String run, RunStatus status, String reason) {
    Instant now = Instant.now();
    writeVoid(
        run,
        "status",
        handle -> {
          RunTable.status(handle, run, status, reason, now);
          RunTable.event(handle, new RunEvent(run, now, status.name(), reason));
        });
  }

  /**
   * Notes something that happened.
   *
   * @param run the run's id
   * @param kind a word
   * @param text one sentence
   */
  public void event(String run, String kind, String text) {
    writeVoid(
        run,
        "event",
        handle -> RunTable.event(handle, new RunEvent(run, Instant.now(), kind, text)));
  }

  /**
   * Lists what happened to a run.
   *
   * @param run the run's id
   * @return its events, oldest first
   */
  public List<RunEvent> events(String run) {
    return read(handle -> RunTable.events(handle, run));
  }

  /**
   * Writes a section, in place of what it held.
   *
   * @param run the run's id
   * @param section its name, with a dot for an entry of an object
   * @param value its contents
   */
  public void record(String run, String section, JsonNode value) {
    update(run, section, old -> value);
  }

  /**
   * Changes a section within one transaction.
   *
   * @param run the run's id
   * @param section its name
   * @param change gets the old contents (a missing node when there are none), returns the new
   */
  public void update(String run, String section, UnaryOperator<JsonNode> change) {
    writeVoid(
        run,
        section,
        handle -> {
          JsonNode old = ResultTables.section(handle, run, section).orElse(Json.MISSING);
          ResultTables.record(handle, run, section, change.apply(old));
        });
  }

  /**
   * Adds to a number, such as the seconds of a stage that several processes worked at.
   *
   * @param run the run's id
   * @param section name of the number, such as {@code timings.search}
   * @param amount what is added
   */
  public void add(String run, String section, double amount) {
    update(run, section, old -> Json.number(old.asDouble(0) + amount));
  }

  /**
   * Keeps the greatest of the numbers given so far, such as the peak memory of a stage.
   *
   * @param run the run's id
   * @param section name of the number, such as {@code memory.search}
   * @param value a new number
   */
  public void peak(String run, String section, double value) {
    update(
        run, section, old -> Json.number(old.isNumber() ? Math.max(old.asDouble(), value) : value));
  }

  /**
   * Reads one section under the name it was written with.
   *
   * @param run the run's id
   * @param section its name
   * @return its contents
   */
  public Optional<JsonNode> section(String run, String section) {
    return read(handle -> ResultTables.section(handle, run, section));
  }

  /**
   * Reads all sections.
   *
   * @param run the run's id
   * @return an object with an entry for each; dotted names are nested
   */
  public ObjectNode sections(String run) {
    return read(handle -> ResultTables.sections(handle, run));
  }

  /**
   * Finds an evaluation, whichever run made it.
   *
   * @param cacheKey digest of all that it depends on
   * @return the evaluation
   */
  public Optional<Trial> trial(String cacheKey) {
    return read(handle -> ResultTables.trial(handle, cacheKey));
  }

  /**
   * Enters an evaluation. The same evaluation may be entered again, which changes nothing.
   *
   * @param trial the evaluation
   */
  public void addTrial(Trial trial) {
    addTrials(List.of(trial));
  }

  /**
   * Enters evaluations in one transaction. The same evaluation may be entered again, which changes
   * nothing.
   *
   * @param trials evaluations of one run
   */
  public void addTrials(List<Trial> trials) {
    if (trials.isEmpty()) {
      return;
    }
    writeVoid(
        trials.get(0).run(),
        "trial",
        handle -> trials.forEach(trial -> ResultTables.addTrial(handle, trial)));
  }

  /**
   * Counts the evaluations of a run.
   *
   * @param run the run's id
   * @return how many there are
   */
  public int countTrials(String run) {
    return read(handle -> ResultTables.countTrials(handle, run));
  }

  /**
   * Enters an evaluation and what it found row by row, in one transaction. The same evaluation may
   * be entered again, which changes nothing.
   *
   * @param trial the evaluation
   * @param rowScores what it found row by row
   */
  public void addTrial(Trial trial, byte[] rowScores) {
    writeVoid(
        trial.run(),
        "trial",
        handle -> {
          ResultTables.addTrial(handle, trial);
          ResultTables.addRowScores(handle, trial.cacheKey(), rowScores);
        });
  }

  /**
   * Finds what an evaluation found row by row.
   *
   * @param cacheKey digest of all that it depends on
   * @return its scores, nothing where there is no such evaluation or it was entered without them
   */
  public Optional<byte[]> rowScores(String cacheKey) {
    return read(handle -> ResultTables.rowScores(handle, cacheKey));
  }

  /**
   * Enters an evaluation that a race stopped.
   *
   * @param raced the evaluation
   */
  public void addRaced(RacedTrial raced) {
    writeVoid(raced.run(), "trial", handle -> ResultTables.addRaced(handle, raced));
  }

  /**
   * Finds an evaluation that a race stopped, whichever run made it.
   *
   * @param raceKey digest of all that it depends on
   * @return the evaluation
   */
  public Optional<RacedTrial> raced(String raceKey) {
    return read(handle -> ResultTables.raced(handle, raceKey));
  }

  /**
   * Lists the evaluations of a run that a race stopped.
   *
   * @param run the run's id
   * @return by generation and index
   */
  public List<RacedTrial> racedOf(String run) {
    return read(handle -> ResultTables.racedOf(handle, run));
  }

  /**
   * Lists the evaluations of a run.
   *
   * @param run the run's id
   * @return its trials by generation and index
   */
  public List<Trial> trials(String run) {
    return read(handle -> ResultTables.trials(handle, run));
  }

  /**
   * Writes a final, in place of the one of the same mode.
   *
   * @param run the run's id
   * @param mode {@code inherit}, {@code finetune}, {@code retrain} or {@code train}
   * @param primary whether it is the one that counts
   * @param record its contents, see the class
   */
  public void addFinal(String run, String mode, boolean primary, JsonNode record) {
    writeVoid(
        run,
        "final",
        handle -> ResultTables.addFinal(handle, new FinalRow(run, mode, primary, record)));
  }

  /**
   * Lists the finals of a run.
   *
   * @param run the run's id
   * @return its finals in the order of their entering
   */
  public List<FinalRow> finals(String run) {
    return read(handle -> ResultTables.finals(handle, run));
  }

  /**
   * Records that the test split is about to be read. To be called before the first row is: a run
   * killed in between has an opening too many, never one too few. The same final of the same run
   * keeps its first opening.
   *
   * @param run the run's id
   * @param mode the final
   * @param when now
   * @return number of the opening
   */
  public long openTest(String run, String mode, Instant when) {
    return write(run, "test_opening", handle -> ResultTables.openTest(handle, run, mode, when));
  }

  /**
   * Lists the openings of the test split.
   *
   * @param run the run's id
   * @return its openings, oldest first
   */
  public List<TestOpening> openings(String run) {
    return read(handle -> ResultTables.openings(handle, run));
  }

  /**
   * Forgets what a run computed, for one that starts anew: its sections, trials, finals and
   * artifacts. Its events, its attempts and its openings of the test split stay, since they
   * happened.
   *
   * @param run the run's id
   */
  public void restart(String run) {
    writeVoid(run, "restart", handle -> ResultTables.delete(handle, run));
  }

  /** Closes the database, unless this is the view of a lease. */
  @Override
  public void close() {
    if (held.isEmpty()) {
      database.close();
    }
  }

  private <T> T read(Function<Handle, T> work) {
    return database.read(work);
  }

  private <T> T write(String run, String what, Function<Handle, T> work) {
    for (Lease lease : held) {
      if (!lease.run().equals(run)) {
        throw new IllegalArgumentException(
            "The lease of " + lease.run() + " gives no right to write to " + run);
      }
    }
    return database.write(
        run,
        what,
        handle -> {
          held.forEach(lease -> Leases.check(handle, lease));
          return work.apply(handle);
        });
  }

  private void writeVoid(String run, String what, Consumer<Handle> work) {
    write(
        run,
        what,
        handle -> {
          work.accept(handle);
          return Boolean.TRUE;
        });
  }
}
