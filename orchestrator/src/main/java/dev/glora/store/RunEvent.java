package dev.glora.store;

import java.time.Instant;

/**
 * Something that happened to a run.
 *
 * @param run the run
 * @param when the moment
 * @param kind what kind of event, such as a status's name
 * @param text one sentence
 */
public record RunEvent(String run, Instant when, String kind, String text) {}
