package dev.glora.run;

import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStatus;

/**
 * How a run ended.
 *
 * @param run the run
 * @param status {@code FINISHED} or {@code FAILED}
 * @param reason the sentence of a failure, or an empty string
 */
public record RunOutcome(PlannedRun run, RunStatus status, String reason) {}
