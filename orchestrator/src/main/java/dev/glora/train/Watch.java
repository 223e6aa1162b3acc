package dev.glora.train;

import dev.glora.GloraException;

/** What a long loop tells and asks those who wait for it. Called on the thread of the loop. */
public interface Watch {
  /**
   * Whether to stop. Loops ask between steps and save before they leave.
   *
   * @return true once someone wants the loop to end
   */
  boolean cancelled();

  /**
   * How a stopped loop ends.
   *
   * @return the exception to throw, once everything is saved
   */
  GloraException cancellation();

  /**
   * Tells how far the loop is.
   *
   * @param done steps done
   * @param note a few words, such as the loss
   */
  void advance(long done, String note);

  /** Tells that what was done so far would survive the process. */
  void saved();
}
