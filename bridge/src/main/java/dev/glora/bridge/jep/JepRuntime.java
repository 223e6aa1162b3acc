package dev.glora.bridge.jep;

import dev.glora.bridge.Capability;
import dev.glora.bridge.Limits;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.spi.OwnedRuntime;
import dev.glora.bridge.spi.OwnerThread;
import java.util.Set;

/** A handle on the process's interpreter. */
final class JepRuntime extends OwnedRuntime {

  static final Set<Capability> CAPABILITIES =
      Set.of(
          Capability.TENSORS,
          Capability.IN_PROCESS,
          Capability.NATIVE_EXTENSIONS,
          Capability.CALLBACKS,
          Capability.INTERRUPT);

  private final OwnerThread owner;

  JepRuntime(RuntimeInfo info, Limits limits, OwnerThread owner) {
    super(info, CAPABILITIES, limits);
    this.owner = owner;
  }

  @Override
  protected OwnerThread owner() {
    return owner;
  }

  @Override
  protected TensorScope.Placement placement() {
    return TensorScope.Placement.DIRECT;
  }

  /** CPython stays: it starts only once in a process. */
  @Override
  protected void closed() {
    owner.finishOutput();
  }
}
