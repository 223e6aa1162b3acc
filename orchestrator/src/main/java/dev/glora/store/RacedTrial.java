package dev.glora.store;

/**
 * An evaluation that was stopped before its last row, since the structure was too unlikely to be of
 * use. It is no {@link Trial} and never stands for one.
 *
 * @param run the run's id
 * @param generation generation from 0
 * @param index position in the generation
 * @param raceKey digest of all that it depends on, the rival and the test among them
 * @param codes the structure, Base64
 * @param accuracy val accuracy on the rows seen
 * @param loss mean val loss of the rows seen
 * @param seen number of rows seen
 * @param origin how the structure came about
 */
public record RacedTrial(
    String run,
    int generation,
    int index,
    String raceKey,
    String codes,
    double accuracy,
    double loss,
    int seen,
    String origin) {}
