package dev.glora.run;

/**
 * Is told how the runs go on. Calls come from the thread that runs and from Python's own thread,
 * never from two at a time; where several runs go on at once, that holds for what {@link #of} gives
 * for each.
 *
 * <p>By default nothing is done.
 */
public interface RunListener {
  /**
   * A stage begins.
   *
   * @param run the run's id
   * @param stage its name, such as {@code supernet} or {@code merge:finetune}
   * @param total steps that it has, 0 where that is not known
   */
  default void stage(String run, String stage, long total) {}

  /**
   * The stage goes on.
   *
   * @param done steps done, those of an earlier process included
   * @param note a few words, such as the loss or the best value
   */
  default void advance(long done, String note) {}

  /**
   * The stage is done.
   *
   * @param summary a few words
   */
  default void stageDone(String summary) {}

  /**
   * Something to be told.
   *
   * @param line one sentence
   */
  default void message(String line) {}

  /**
   * Who is told of one run, where others go on at the same time. One that tells them apart by the
   * order of the calls gives another for each run.
   *
   * @param run the run's id
   * @return by default this one, which is then called from several threads at a time
   */
  default RunListener of(String run) {
    return this;
  }

  /** Nothing more comes of these runs. */
  default void end() {}
}
