package dev.glora.run;

import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.store.LeaseLostException;

/** What a run failed of, as far as it says what to do about it. */
enum FailureKind {
  /** The worker's process ended: begun again on another, after a while. */
  WORKER_DIED("worker-died"),
  /** The worker made no step for too long: begun again as one that died. */
  WORKER_HUNG("worker-hung"),
  /** Memory ran out: begun again with smaller micro-batches. */
  OUT_OF_MEMORY("out-of-memory"),
  /** Everything that would happen again: the configuration, a divergence, a defect. */
  OTHER("other");

  private final String word;

  FailureKind(String word) {
    this.word = word;
  }

  /** The word in the store. */
  String word() {
    return word;
  }

  /**
   * Tells the kind.
   *
   * @param error what ended the run
   * @param hung whether its worker was stopped because it hung
   */
  static FailureKind of(Throwable error, boolean hung) {
    for (Throwable each = error; each != null; each = each.getCause()) {
      if (each instanceof LeaseLostException) {
        return OTHER;
      }
    }
    if (hung) {
      return WORKER_HUNG;
    }
    for (Throwable each = error; each != null; each = each.getCause()) {
      // A worker that was killed while it started says so in the cause.
      if (each instanceof WorkerDiedException) {
        return WORKER_DIED;
      }
      if (each instanceof OutOfDeviceMemoryException || each instanceof OutOfMemoryError) {
        return OUT_OF_MEMORY;
      }
    }
    return OTHER;
  }
}
