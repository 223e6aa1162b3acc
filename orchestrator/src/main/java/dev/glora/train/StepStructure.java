package dev.glora.train;

import dev.glora.search.Structure;

/** Which structure a step trains. */
@FunctionalInterface
public interface StepStructure {
  /**
   * Writes a step's structure.
   *
   * @param step step from 0
   * @param codes receives the codes, [sites × 5]
   */
  void draw(long step, byte[] codes);

  /**
   * The same structure at every step.
   *
   * @param structure the structure
   * @return it, whatever the step
   */
  static StepStructure fixed(Structure structure) {
    byte[] own = structure.codes();
    return (step, codes) -> System.arraycopy(own, 0, codes, 0, own.length);
  }

  /**
   * For methods without sites.
   *
   * @return nothing to write
   */
  static StepStructure none() {
    return (step, codes) -> {};
  }
}
