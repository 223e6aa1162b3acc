package dev.glora.store;

import java.time.Instant;

/**
 * The right to work on something for a while. Times are the database's.
 *
 * @param run the run that it belongs to
 * @param subject what may be worked on: the run's id, or the id, a slash and a part of the run
 * @param owner who may
 * @param token number of this right among all that were ever given for the subject; it only grows
 * @param renewed when the owner gave its last sign of life
 * @param expires when others may take the subject over
 * @param progress how far the owner says it is
 * @param progressed when that number changed last
 */
public record Lease(
    String run,
    String subject,
    String owner,
    long token,
    Instant renewed,
    Instant expires,
    long progress,
    Instant progressed) {}
