package dev.glora.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.GloraSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A search that is driven from outside, trial by trial, and its state as a value.
 *
 * <p>A trial's name is its place, {@code <generation>-<index>}, which never means another structure
 * than the one it was asked with. Telling is idempotent: the same result for the same trial changes
 * nothing, however late it comes. Another result for a trial that has one, or a trial that was
 * never asked, is refused, and with it all that is told in the same call. A generation goes to the
 * strategy once all of its trials are told, in their order, so the order of telling is free.
 *
 * <p>The state is the definition, the results and leases, and a digest of all. Reading it asks and
 * tells the strategy anew and compares what it asks with what was asked, so a state is continued
 * exactly or not at all.
 *
 * <p>Who asks may take trials under a lease ({@link #lease}): until it expires they are handed to
 * nobody else, and a result is taken from their last owner alone.
 */
public final class AskTell {
  private static final String FORMAT = "glora-search";
  private static final int VERSION = 1;

  /**
   * A result as it is told.
   *
   * @param trial the trial's name
   * @param accuracy share of right predictions on val
   * @param loss mean cross-entropy on val
   * @param complete false for an evaluation that was stopped early or failed
   * @param token the token of the trial's lease, 0 where it was asked without one
   */
  public record Told(String trial, double accuracy, double loss, boolean complete, long token) {
    private boolean sameResult(Told other) {
      return Double.compare(accuracy, other.accuracy) == 0
          && Double.compare(loss, other.loss) == 0
          && complete == other.complete;
    }
  }

  /**
   * A trial that somebody holds.
   *
   * @param trial the trial's name
   * @param token the token of its lease
   */
  public record Leased(String trial, long token) {}

  /**
   * What a call of {@link #tell} did.
   *
   * @param accepted trials whose result was new
   * @param repeated trials that had the same result already
   */
  public record Receipt(List<String> accepted, List<String> repeated) {}

  private final ObjectNode definition;
  private final SearchSpace space;
  private final Limits limits;
  private final Strategy strategy;
  private final List<List<Result>> past = new ArrayList<>();
  private final Map<Structure, String> names = new HashMap<>();
  private final TrialLeases leases = new TrialLeases();
  private List<Proposal> asked;
  private Result[] results;

  /**
   * Begins a search.
   *
   * @param space the space
   * @param spec limits and constants
   * @param seed root seed
   * @param definition what the two were read from; becomes part of the state
   */
  public AskTell(SearchSpace space, GloraSpec spec, long seed, ObjectNode definition) {
    this.definition = definition;
    this.space = space;
    this.limits =
        new Limits(
            space, ParameterCount.of(spec.count()), spec.minParameters(), spec.maxParameters());
    this.strategy = Strategy.of(space, limits, spec.search(), seed, Optional.empty());
    next();
  }

  private void next() {
    asked = strategy.ask();
    results = new Result[asked.size()];
    for (int i = 0; i < asked.size(); i++) {
      names.put(asked.get(i).structure(), past.size() + "-" + i);
    }
  }

  /**
   * Tells the results of a state.
   *
   * @param state what {@link #state} gave, for the same definition
   */
  public void resume(JsonNode state) {
    for (JsonNode generation : state.path("generations")) {
      results = read(generation);
      if (Arrays.stream(results).anyMatch(Objects::isNull)) {
        throw damaged("a generation that is not whole");
      }
      close();
    }
    results = read(state.path("open"));
    leases.resume(state.path("leases"));
  }

  private Result[] read(JsonNode generation) {
    if (generation.size() != asked.size()) {
      throw damaged(generation.size() + " trials where " + asked.size() + " are asked");
    }
    Result[] read = new Result[asked.size()];
    for (int i = 0; i < read.length; i++) {
      JsonNode trial = generation.get(i);
      Structure structure = asked.get(i).structure();
      if (!trial.path("codes").asText().equals(structure.base64())) {
        throw damaged("another structure than trial " + past.size() + "-" + i + " is asked with");
      }
      if (trial.has("complete")) {
        read[i] =
            new Result(
                structure,
                trial.path("accuracy").asDouble(),
                trial.path("loss").asDouble(),
                trial.path("complete").asBoolean());
      }
    }
    return read;
  }

  private static GloraException damaged(String what) {
    return GloraException.failed(
        "The state of the search holds "
            + what
            + ": it is damaged, or of another version of glora; go on with the version that wrote"
            + " it, or begin a new one.");
  }

  /**
   * The trials of this generation that have no result yet.
   *
   * @param most greatest number of them
   * @return objects with {@code trial}, {@code structure}, {@code origin}, {@code parameters} and,
   *     where an evaluation may be stopped once it cannot reach that trial's, {@code rival}
   */
  public ArrayNode open(int most) {
    ArrayNode open = Json.array();
    for (int i = 0; i < results.length && open.size() < most; i++) {
      if (results[i] == null) {
        open.add(describe(asked.get(i)));
      }
    }
    return open;
  }

  /**
   * Hands out trials of this generation that have no result yet and that nobody holds.
   *
   * @param most greatest number of them
   * @param owner who will evaluate them
   * @param now the time
   * @param length how long the leases hold without being renewed
   * @return as {@link #open}, each with its {@code lease}: {@code token}, {@code owner} and {@code
   *     expires}
   */
  public ArrayNode lease(int most, String owner, Instant now, Duration length) {
    ArrayNode handed = Json.array();
    for (int i = 0; i < results.length && handed.size() < most; i++) {
      String name = past.size() + "-" + i;
      if (results[i] == null && !leases.live(name, now)) {
        ObjectNode trial = describe(asked.get(i));
        trial.set("lease", leases.give(name, owner, now, length));
        handed.add(trial);
      }
    }
    return handed;
  }

  /**
   * Lengthens leases, all of them or none. One whose trial has its result by now is left alone.
   *
   * @param held the trials
   * @param now the time
   * @param length how long the leases hold from now on
   * @return objects with {@code trial} and {@code lease} for those that have no result
   */
  public ArrayNode renew(List<Leased> held, Instant now, Duration length) {
    List<Leased> untold = held.stream().filter(each -> known(each.trial()).isEmpty()).toList();
    untold.forEach(each -> leases.check(each.trial(), each.token()));
    ArrayNode renewed = Json.array();
    for (Leased each : untold) {
      renewed
          .addObject()
          .put("trial", each.trial())
          .set("lease", leases.renew(each.trial(), each.token(), now, length));
    }
    return renewed;
  }

  private ObjectNode describe(Proposal proposal) {
    ObjectNode trial = describe(proposal.structure()).put("origin", proposal.origin());
    strategy.rival(proposal).ifPresent(rival -> trial.put("rival", names.get(rival)));
    return trial;
  }

  private ObjectNode describe(Structure structure) {
    ObjectNode trial = Json.object().put("trial", names.get(structure));
    trial.set("structure", structure.toJson(space));
    for (ParameterCount count : ParameterCount.values()) {
      trial
          .withObject("/parameters")
          .put(count.name().toLowerCase(Locale.ROOT), space.count(structure, count));
    }
    return trial;
  }

  /**
   * Tells results, all of them or none.
   *
   * @param told the results
   * @return what was new
   */
  public Receipt tell(List<Told> told) {
    List<String> accepted = new ArrayList<>();
    List<String> repeated = new ArrayList<>();
    Map<String, Told> once = new HashMap<>();
    for (Told result : told) {
      check(result);
      Told other = once.putIfAbsent(result.trial(), result);
      Optional<Result> known = known(result.trial());
      if (other != null && !other.sameResult(result)) {
        throw conflict(result, other.accuracy(), other.loss());
      }
      if (known.isPresent() && !same(known.get(), result)) {
        throw conflict(result, known.get().accuracy(), known.get().loss());
      }
      if (known.isEmpty()) {
        leases.check(result.trial(), result.token());
      }
      (known.isPresent() || other != null ? repeated : accepted).add(result.trial());
    }
    for (String trial : accepted) {
      Told result = once.get(trial);
      int index = place(trial)[1];
      results[index] =
          new Result(
              asked.get(index).structure(), result.accuracy(), result.loss(), result.complete());
    }
    if (!asked.isEmpty() && Arrays.stream(results).noneMatch(Objects::isNull)) {
      close();
    }
    return new Receipt(accepted, repeated);
  }

  private void close() {
    List<Result> whole = List.of(results);
    strategy.tell(whole);
    leases.clear();
    past.add(whole);
    next();
  }

  private static void check(Told result) {
    if (!Double.isFinite(result.accuracy()) || !Double.isFinite(result.loss())) {
      throw GloraException.usage(
          "The trial "
              + result.trial()
              + " is told accuracy "
              + result.accuracy()
              + " and loss "
              + result.loss()
              + ", expected numbers; tell an evaluation that failed with \"failed\": true.");
    }
  }

  private static boolean same(Result known, Told told) {
    return Double.compare(known.accuracy(), told.accuracy()) == 0
        && Double.compare(known.loss(), told.loss()) == 0
        && known.complete() == told.complete();
  }

  private static GloraException conflict(Told told, double accuracy, double loss) {
    return GloraException.usage(
        "The trial "
            + told.trial()
            + " has accuracy "
            + accuracy
            + " and loss "
            + loss
            + " already, and is now told "
            + told.accuracy()
            + " and "
            + told.loss()
            + ": the first result stays, and nothing of this call was taken.");
  }

  private Optional<Result> known(String trial) {
    int[] place = place(trial);
    return Optional.ofNullable(
        place[0] < past.size() ? past.get(place[0]).get(place[1]) : results[place[1]]);
  }

  /** Generation and index of a trial that was asked. */
  private int[] place(String trial) {
    String[] parts = trial.split("-", -1);
    if (parts.length == 2 && parts[0].matches("\\d{1,9}") && parts[1].matches("\\d{1,9}")) {
      int generation = Integer.parseInt(parts[0]);
      int index = Integer.parseInt(parts[1]);
      int size =
          generation < past.size()
              ? past.get(generation).size()
              : generation == past.size() ? asked.size() : 0;
      if (index < size && trial.equals(generation + "-" + index)) {
        return new int[] {generation, index};
      }
    }
    throw GloraException.usage(
        "There is no trial \""
            + trial
            + "\" in this search, which has asked generations 0 to "
            + past.size()
            + ": tell the names that ask gave; nothing of this call was taken.");
  }

  /**
   * Where the search is.
   *
   * @return {@code done}, {@code generation}, {@code open}, {@code best} and {@code front}
   */
  public ObjectNode progress() {
    ObjectNode progress = Json.object();
    progress.put("done", asked.isEmpty()).put("generation", past.size());
    progress.put("open", Arrays.stream(results).filter(Objects::isNull).count());
    progress.set("best", strategy.best().map(this::describe).orElse(null));
    ArrayNode front = progress.putArray("front");
    strategy.front().forEach(result -> front.add(describe(result)));
    return progress;
  }

  private ObjectNode describe(Result result) {
    return describe(result.structure())
        .put("accuracy", result.accuracy())
        .put("loss", result.loss());
  }

  /**
   * The state as a value.
   *
   * @return definition, results, leases, and a digest of all
   */
  public ObjectNode state() {
    ObjectNode state = Json.object().put("format", FORMAT).put("version", VERSION);
    state.set("definition", definition);
    ArrayNode generations = state.putArray("generations");
    for (List<Result> generation : past) {
      ArrayNode trials = generations.addArray();
      generation.forEach(result -> trials.add(write(result.structure(), result)));
    }
    ArrayNode open = state.putArray("open");
    for (int i = 0; i < results.length; i++) {
      open.add(write(asked.get(i).structure(), results[i]));
    }
    leases.state().ifPresent(held -> state.set("leases", held));
    return state.put("digest", Json.digest(state));
  }

  private static ObjectNode write(Structure structure, Result result) {
    ObjectNode trial = Json.object().put("codes", structure.base64());
    if (result != null) {
      trial.put("accuracy", result.accuracy());
      trial.put("loss", result.loss());
      trial.put("complete", result.complete());
    }
    return trial;
  }

  /**
   * Checks that a state is whole.
   *
   * @param text contents of a state's file
   * @return the state
   */
  public static ObjectNode check(String text) {
    ObjectNode state =
        Json.object(text).orElseThrow(() -> damaged("no JSON object, as if it had been cut"));
    if (!state.path("format").asText().equals(FORMAT) || state.path("version").asInt() != VERSION) {
      throw damaged(
          "format "
              + state.path("format")
              + " version "
              + state.path("version")
              + " where "
              + FORMAT
              + " version "
              + VERSION
              + " is expected");
    }
    ObjectNode rest = state.deepCopy();
    rest.remove("digest");
    if (!Json.digest(rest).equals(state.path("digest").asText())) {
      throw damaged("other contents than its digest is of");
    }
    return state;
  }
}
