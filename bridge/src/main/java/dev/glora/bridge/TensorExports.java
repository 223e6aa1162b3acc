package dev.glora.bridge;

import java.util.Collection;
import java.util.Set;

/** What a backend answers to a {@link TensorScope} that wants to close. */
@FunctionalInterface
public interface TensorExports {

  /**
   * Returns those tensors whose memory a Python object still uses, and unpins them all.
   *
   * @param ids the {@linkplain Tensor#id() numbers} in question
   */
  Set<Long> stillExported(Collection<Long> ids);
}
