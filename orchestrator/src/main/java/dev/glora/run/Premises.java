package dev.glora.run;

import dev.glora.store.RunStore;
import java.nio.file.Path;

/**
 * What the runs of one call share.
 *
 * @param store the store of the runs
 * @param runs folder of the runs
 * @param cache folder of models and prepared data
 * @param workers who computes
 * @param heartbeat renews leases
 * @param attempts how often a run may be begun whose worker dies or hangs
 * @param cancel stops everything between two steps
 */
record Premises(
    RunStore store,
    Path runs,
    Path cache,
    Workers workers,
    Heartbeat heartbeat,
    int attempts,
    CancelToken cancel) {}
