package dev.glora.bridge.graalpy;

import dev.glora.bridge.Capability;
import dev.glora.bridge.Limits;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.spi.OwnedRuntime;
import dev.glora.bridge.spi.OwnerThread;
import java.util.Set;

/** A context of its own. */
final class GraalpyRuntime extends OwnedRuntime {

  static final Set<Capability> CAPABILITIES =
      Set.of(
          Capability.CALLBACKS,
          Capability.INTERRUPT,
          Capability.SANDBOX,
          Capability.STATEMENT_LIMIT);

  private final OwnerThread owner;

  GraalpyRuntime(RuntimeInfo info, Limits limits, OwnerThread owner) {
    super(info, CAPABILITIES, limits);
    this.owner = owner;
  }

  @Override
  protected OwnerThread owner() {
    return owner;
  }

  /** Not asked for, since tensors are refused. */
  @Override
  protected TensorScope.Placement placement() {
    return TensorScope.Placement.DIRECT;
  }

  @Override
  protected void closed() {
    owner.end(closedException());
  }
}
