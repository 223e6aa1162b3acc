package dev.glora.bridge.spi;

import java.util.function.BooleanSupplier;

/**
 * Looks for something for about as long as waking a thread costs, before its caller sleeps.
 *
 * <p>Between short calls that follow on each other neither side then sleeps and is woken, which
 * costs more than the call itself. Where looking found nothing several times over, since the other
 * side is at rest or has no core to run on, it is tried only now and then.
 *
 * <p>Its counts may be wrong by some where several threads look; they decide on speed alone.
 */
final class Look {

  /** What is shorter is looked for, and for so long. */
  static final long NANOS = 40_000;

  private static final int FEW = 3;
  private static final int NOW_AND_THEN = 64;

  private int misses;
  private int turns;

  void until(BooleanSupplier found) {
    if (misses >= FEW && ++turns % NOW_AND_THEN != 0) {
      return;
    }
    long end = System.nanoTime() + NANOS;
    while (!found.getAsBoolean()) {
      if (System.nanoTime() > end) {
        misses++;
        return;
      }
      Thread.onSpinWait();
    }
    misses = 0;
  }
}
