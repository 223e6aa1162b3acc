package dev.glora.train;

import dev.glora.data.PreparedSet;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a model is opened with.
 *
 * @param method a name of {@code glora.methods}
 * @param modelPath folder of the pre-trained model
 * @param modelDigest SHA-256 that its weights must have
 * @param set prepared set, for its labels and columns
 * @param settings the method's settings, {@code dropout} among them
 * @param seed seed of the fresh weights
 * @param device torch device
 * @param capacity rows of the greatest batch
 * @param microBatch greatest number of rows that are computed at once, gradients accumulated over
 *     them; 0 for whole batches
 */
public record SessionRequest(
    String method,
    Path modelPath,
    String modelDigest,
    PreparedSet set,
    Map<String, Object> settings,
    long seed,
    String device,
    int capacity,
    int microBatch) {}
