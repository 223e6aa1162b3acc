package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One method with one seed in one variant of an experiment.
 *
 * @param id {@code <name>-<label>-s<seed>-<first 8 digits of the key>}, also its folder's name
 * @param key SHA-256 in hexadecimal of what affects the result
 * @param experiment where it comes from
 * @param method the method
 * @param variant what the experiment's matrix set that concerns this run, such as {@code
 *     task.domain=movies, rank=4}; empty where it has none
 * @param seed the root seed of everything random in the run
 * @param resolved what the key is the digest of: shared blocks, this method's block, seed, code
 */
public record PlannedRun(
    String id,
    String key,
    Experiment experiment,
    MethodSpec method,
    String variant,
    long seed,
    JsonNode resolved) {}
