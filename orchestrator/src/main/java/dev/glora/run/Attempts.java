package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.store.RunStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * The failed attempts at a run, kept in its section {@code attempts}, and what follows from them.
 *
 * <ul>
 *   <li>A worker that died or hung: another attempt after 1 s, and after twice as long each time up
 *       to a minute where the one before made no step, until the limit is reached.
 *   <li>Memory that ran out: another one at once, with half as many rows in a micro-batch, until
 *       that is one row. It is another environment fingerprint, so the run starts anew.
 *   <li>Anything else: none.
 * </ul>
 */
final class Attempts {
  static final String SECTION = "attempts";

  private static final String FAILURES = "failures";
  private static final String MICRO_BATCH = "micro_batch";
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  private final RunStore store;
  private final String run;
  private final int limit;
  private int inARow;

  Attempts(RunStore store, String run, int limit) {
    this.store = store;
    this.run = run;
    this.limit = limit;
  }

  /**
   * What is to be done after a failure.
   *
   * @param pause how long to wait before the next attempt
   * @param words says what comes next
   */
  record Next(Duration pause, String words) {}

  /** Rows of a micro-batch, 0 for whole batches. */
  int microBatch() {
    return section().path(MICRO_BATCH).asInt();
  }

  /** Forgets failures, so that the run gets all its attempts again; the micro-batch stays. */
  static void reset(RunStore store, String run) {
    store.update(
        run,
        SECTION,
        old -> old.isObject() ? ((ObjectNode) old.deepCopy()).without(FAILURES) : Json.object());
  }

  /** Has batches cut from the next attempt on; failures stay. */
  static void microBatch(RunStore store, String run, int rows) {
    store.update(
        run,
        SECTION,
        old ->
            (old.isObject() ? (ObjectNode) old.deepCopy() : Json.object()).put(MICRO_BATCH, rows));
  }

  /**
   * Notes a failure.
   *
   * @param held writes under the lease of the attempt, or without one where that is lost
   * @param kind what it failed of
   * @param reason one sentence
   * @param worker whose it was
   * @param rows rows that were computed at once
   * @param progress whether the attempt made a step
   * @return the next attempt, or nothing where the run has failed
   */
  Optional<Next> failed(
      RunStore held, FailureKind kind, String reason, String worker, int rows, boolean progress) {
    if (kind == FailureKind.OTHER) {
      return Optional.empty();
    }
    inARow = progress ? 1 : inARow + 1;
    ObjectNode section = section();
    section
        .withArray(FAILURES)
        .addObject()
        .put("kind", kind.word())
        .put("reason", reason)
        .put("worker", worker)
        .put("at", Instant.now().toString());
    Optional<Next> next =
        kind == FailureKind.OUT_OF_MEMORY ? smaller(section, rows) : again(section);
    held.record(run, SECTION, section);
    return next;
  }

  private static Optional<Next> smaller(ObjectNode section, int rows) {
    int half = rows / 2;
    if (half < 1) {
      return Optional.empty();
    }
    section.put(MICRO_BATCH, half);
    return Optional.of(
        new Next(
            Duration.ZERO,
            "it starts anew with gradients accumulated over micro-batches of "
                + half
                + (half == 1 ? " row" : " rows")));
  }

  private Optional<Next> again(ObjectNode section) {
    int deaths = 0;
    for (JsonNode each : section.path(FAILURES)) {
      deaths += each.path("kind").asText().equals(FailureKind.OUT_OF_MEMORY.word()) ? 0 : 1;
    }
    if (deaths >= limit) {
      return Optional.empty();
    }
    Duration pause = pause(inARow);
    return Optional.of(
        new Next(
            pause,
            String.format(
                Locale.ROOT, "attempt %d of %d in %d s", deaths + 1, limit, pause.toSeconds())));
  }

  /** How long to wait after so many failures in a row. */
  static Duration pause(int failures) {
    Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failures - 1, 10));
    return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
  }

  private ObjectNode section() {
    return store
        .section(run, SECTION)
        .filter(JsonNode::isObject)
        .map(found -> (ObjectNode) found.deepCopy())
        .orElseGet(Json::object);
  }
}
