package dev.glora.bridge.worker;

import dev.glora.bridge.Capability;
import dev.glora.bridge.Limits;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.spi.OwnedRuntime;
import dev.glora.bridge.spi.OwnerThread;
import java.time.Duration;
import java.util.Set;

/** A handle on a worker of its own. */
final class WorkerRuntime extends OwnedRuntime {

  /** What a worker needs to end that has nothing to do. */
  private static final Duration END = Duration.ofSeconds(2);

  private final OwnerThread owner;

  WorkerRuntime(RuntimeInfo info, Set<Capability> capabilities, Limits limits, OwnerThread owner) {
    super(info, capabilities, limits);
    this.owner = owner;
  }

  @Override
  protected OwnerThread owner() {
    return owner;
  }

  @Override
  protected TensorScope.Placement placement() {
    return TensorScope.Placement.SHARED;
  }

  /** The worker ends after the calls accepted before; if there are none, it is waited for. */
  @Override
  protected void closed() {
    owner.end(closedException());
    if (!owner.isCurrentThread()) {
      owner.awaitEnd(END);
    }
  }
}
