package dev.glora.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Who evaluates which trial of a generation, until when.
 *
 * <p>A trial that was handed out under a lease is handed to nobody else until the lease expires;
 * then anybody may have it, under a higher token. A result is taken from who has the newest token,
 * also when it comes late and nobody has taken over, and from nobody else.
 */
final class TrialLeases {
  private static final String TOKEN = "token";
  private static final String OWNER = "owner";
  private static final String EXPIRES = "expires";

  /** By trial; those whose lease was never given have none. */
  private final TreeMap<String, Held> held = new TreeMap<>();

  private record Held(long token, String owner, Instant expires) {
    ObjectNode json() {
      return Json.object().put(TOKEN, token).put(OWNER, owner).put(EXPIRES, expires.toString());
    }
  }

  /** Whether somebody may be at work on a trial. */
  boolean live(String trial, Instant now) {
    Held lease = held.get(trial);
    return lease != null && lease.expires().isAfter(now);
  }

  /** Gives a trial that nobody holds; returns the lease as it is told. */
  ObjectNode give(String trial, String owner, Instant now, Duration length) {
    long token = Optional.ofNullable(held.get(trial)).map(Held::token).orElse(0L) + 1;
    Held lease = new Held(token, owner, now.plus(length));
    held.put(trial, lease);
    return lease.json();
  }

  /**
   * Lengthens a lease.
   *
   * @throws GloraException if the trial was handed to another since
   */
  ObjectNode renew(String trial, long token, Instant now, Duration length) {
    check(trial, token);
    Held lease = new Held(token, held.get(trial).owner(), now.plus(length));
    held.put(trial, lease);
    return lease.json();
  }

  /**
   * Refuses what comes from an owner of earlier times.
   *
   * @param trial a trial without a result
   * @param token the token it is told with, 0 for none
   */
  void check(String trial, long token) {
    Held lease = held.get(trial);
    if (lease == null ? token == 0 : token == lease.token()) {
      return;
    }
    if (lease == null) {
      throw refused(
          trial,
          "comes with the token " + token + " and was never leased",
          "tell it without a token, or ask with a lease");
    }
    if (token == 0) {
      throw refused(
          trial,
          "is leased to " + lease.owner() + " and comes without a token",
          "tell it with the token that ask gave");
    }
    throw refused(
        trial,
        "comes with the token "
            + token
            + ", whose lease has expired, and was handed to "
            + lease.owner()
            + " under the token "
            + lease.token(),
        "let that result come, and renew in time what takes long");
  }

  private static GloraException refused(String trial, String found, String advice) {
    return GloraException.usage(
        "The trial " + trial + " " + found + ": nothing of this call was taken; " + advice + ".");
  }

  /** A generation has all its results. */
  void clear() {
    held.clear();
  }

  /** The leases as part of a state; nothing where none was given. */
  Optional<ObjectNode> state() {
    ObjectNode state = Json.object();
    held.forEach((trial, lease) -> state.set(trial, lease.json()));
    return state.isEmpty() ? Optional.empty() : Optional.of(state);
  }

  /** Reads what {@link #state} gave. */
  void resume(JsonNode state) {
    state
        .properties()
        .forEach(
            each ->
                held.put(
                    each.getKey(),
                    new Held(
                        each.getValue().path(TOKEN).asLong(),
                        each.getValue().path(OWNER).asText(),
                        Instant.parse(each.getValue().path(EXPIRES).asText()))));
  }
}
