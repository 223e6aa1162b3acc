package dev.glora.plan;

import dev.glora.experiment.PlannedRun;
import java.util.Locale;

/**
 * A planned run beside the store.
 *
 * @param run the run
 * @param state what is to be done about it
 * @param reason why, in a few words
 * @param estimate how long what is left may take; for a run that is done, nothing
 */
public record PlanEntry(PlannedRun run, State state, String reason, Estimate estimate) {
  /** What is to be done about a run. */
  public enum State {
    /** Nothing: an equal run is finished. */
    DONE,
    /** All of it: nothing like it was run. */
    TO_DO,
    /** All of it, though one like it was finished: the reason says what changed since. */
    AGAIN,
    /** What is left of it. */
    GOES_ON,
    /** Nothing here: another process is at it. */
    AT_WORK;

    /**
     * Names the state for people and programs.
     *
     * @return the name in lower case, with spaces
     */
    public String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }
}
