package dev.glora.data;

import dev.glora.Json;
import java.util.SplittableRandom;

/**
 * Randomness that is derived, never carried: each use has a generator of its own.
 *
 * <p>The seed of the use {@code (root, purpose, index)} is
 *
 * <pre>    first 8 bytes, big-endian, of SHA-256("glora/1|" + root + "|" + purpose + "|" + index)
 * </pre>
 *
 * with the numbers in decimal and the text in UTF-8. So step 400 can be computed without the 399
 * before it, and a resumed run draws what the uninterrupted one would have drawn. The {@code 1} is
 * the version of this definition: results of an older definition stay what they are.
 */
public final class Derived {
  private Derived() {}

  /**
   * Returns a generator for one use.
   *
   * @param root root seed of the run
   * @param purpose what is drawn, such as {@code order}
   * @param index which one of its kind, such as the epoch
   * @return a new generator
   */
  public static SplittableRandom random(long root, String purpose, long index) {
    return new SplittableRandom(seed(root, purpose, index));
  }

  /**
   * Returns the seed of one use.
   *
   * @param root root seed of the run
   * @param purpose what is drawn
   * @param index which one of its kind
   * @return any 64 bits
   */
  public static long seed(long root, String purpose, long index) {
    String digest = Json.sha256("glora/1|" + root + "|" + purpose + "|" + index);
    return Long.parseUnsignedLong(digest.substring(0, 16), 16);
  }
}
