package dev.glora.store;

import dev.glora.ExitCode;
import dev.glora.GloraException;

/** Who writes has no right to any more: another has taken over, or the right was given back. */
public final class LeaseLostException extends GloraException {
  private static final long serialVersionUID = 1L;

  /**
   * Says who lost what.
   *
   * @param lease the lease that does not hold any more
   */
  LeaseLostException(Lease lease) {
    super(
        ExitCode.FAILED,
        "The worker "
            + lease.owner()
            + " has lost "
            + lease.subject()
            + " to another, since it gave no sign of life in time or was taken off it; what it"
            + " computed since then is not kept.",
        null);
  }
}
