package dev.glora.store;

/** Where a run stands. */
public enum RunStatus {
  /** Known, and not started yet. */
  PLANNED,
  /** A process works on it, or was killed while it did. */
  RUNNING,
  /** Stopped with its state saved. */
  INTERRUPTED,
  /** Stopped by an error; the reason says which. */
  FAILED,
  /** Done. */
  FINISHED
}
