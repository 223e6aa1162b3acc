package dev.glora.store;

/**
 * One complete evaluation of a structure on val.
 *
 * @param run the run that made it
 * @param generation generation of the search, from 0
 * @param index place within its generation, from 0
 * @param cacheKey digest of all that the result depends on (checkpoint, canonical structure, data,
 *     precision, environment fingerprint)
 * @param codes structure's codes, one byte per site and tensor, in Base64
 * @param accuracy share of right predictions on val
 * @param loss mean cross-entropy on val
 * @param trained adapter parameters as trained
 * @param stored adapter parameters as stored
 * @param folded adapter parameters when C, D and E are folded into one bias
 * @param origin where it comes from: {@code random}, {@code taylor}, {@code mutation}, {@code
 *     crossover}, …
 */
public record Trial(
    String run,
    int generation,
    int index,
    String cacheKey,
    String codes,
    double accuracy,
    double loss,
    long trained,
    long stored,
    long folded,
    String origin) {}
