package dev.glora.run;

import dev.glora.data.PreparedSet;
import dev.glora.data.Split;
import dev.glora.experiment.TaskSpec;
import java.nio.file.Path;

/**
 * What a run works on: the pre-trained model and a prepared set.
 *
 * @param set prepared set
 * @param modelPath folder of the model
 * @param modelDigest SHA-256 of its weights
 */
record Material(PreparedSet set, Path modelPath, String modelDigest) {
  /**
   * The rows of a training whose settings were chosen before: those of val, too, where the task
   * says so.
   *
   * @param task the task
   * @return train, or train and val
   */
  Split fitted(TaskSpec task) {
    return task.withVal() ? set.train().and(set.val()) : set.train();
  }
}
