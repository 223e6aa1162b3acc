package dev.glora.bridge.benchmarks;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** What Java does with 64 MiB of float32, whatever carries them to Python. */
public final class Numbers {

  /** The number of bytes. */
  public static final int BYTES = 64 << 20;

  static final int COUNT = BYTES / Float.BYTES;

  /** Small whole numbers, so that sums are exact. */
  private static final int MASK = 7;

  private static final double EXPECTED = COUNT * (MASK / 2.0 + 1);

  private Numbers() {}

  /** Allocates a direct buffer for them. */
  public static ByteBuffer allocate() {
    return ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
  }

  static void fill(FloatBuffer numbers) {
    for (int i = 0; i < COUNT; i++) {
      numbers.put(i, i & MASK);
    }
  }

  static double sum(FloatBuffer numbers) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    double sum = 0;
    for (int block = 0; block < COUNT; block += 1 << 16) {
      for (int i = block; i < block + (1 << 16); i += 4) {
        a += numbers.get(i);
        b += numbers.get(i + 1);
        c += numbers.get(i + 2);
        d += numbers.get(i + 3);
      }
      sum += a + b + c + d;
      a = b = c = d = 0;
    }
    return sum;
  }

  /** Returns a sum if it is that of {@link #fill} with one added to each. */
  static double checked(double sum) {
    if (sum != EXPECTED) {
      throw new IllegalStateException("The sum is " + sum + ", expected " + EXPECTED + ".");
    }
    return sum;
  }
}
