package dev.glora.run;

import dev.glora.data.PreparedSet;
import java.nio.file.Path;

/**
 * What a run works on: the pre-trained model and a prepared set.
 *
 * @param set prepared set
 * @param modelPath folder of the model
 * @param modelDigest SHA-256 of its weights
 */
record Material(PreparedSet set, Path modelPath, String modelDigest) {}
