package dev.glora.store;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;

/**
 * A run as the store knows it.
 *
 * @param id the run's id
 * @param key SHA-256 of what affects its result
 * @param experiment name of its experiment
 * @param label label of its method
 * @param variant what its experiment's matrix set in it, or an empty string
 * @param method kind of its method
 * @param seed its root seed
 * @param status where it stands
 * @param reason why it stands there, or an empty string
 * @param resolved its resolved configuration
 * @param created when it was planned first
 * @param started when it was started first, or null
 * @param changed when its status changed last
 */
public record RunRow(
    String id,
    String key,
    String experiment,
    String label,
    String variant,
    String method,
    long seed,
    RunStatus status,
    String reason,
    JsonNode resolved,
    Instant created,
    Instant started,
    Instant changed) {}
