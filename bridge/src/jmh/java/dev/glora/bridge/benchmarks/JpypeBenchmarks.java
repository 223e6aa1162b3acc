package dev.glora.bridge.benchmarks;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** What {@code jpype_peer.py} calls, since JPype's JVM is started by Python and not by JMH. */
public final class JpypeBenchmarks {

  private static final int WARM_UP = 10_000;
  private static final int CALLS = 1000;
  private static final int SHARES = 30;

  private JpypeBenchmarks() {}

  /**
   * Calls a Python function from Java, on the thread that Python called Java on.
   *
   * @param python the function
   * @param rounds how many samples to take
   * @return µs a call, each sample the mean of a row
   */
  public static double[] calls(Runnable python, int rounds) {
    row(python, WARM_UP);
    double[] samples = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      samples[i] = row(python, CALLS);
    }
    return samples;
  }

  private static double row(Runnable python, int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      python.run();
    }
    return (System.nanoTime() - start) / 1e3 / calls;
  }

  /**
   * Calls a Python function from a thread of Java's own.
   *
   * @param python the function
   * @param rounds how many samples to take
   * @return µs a call, each sample the mean of a row
   */
  public static double[] callsFromAnotherThread(Runnable python, int rounds)
      throws InterruptedException {
    double[][] samples = new double[1][];
    Thread thread = new Thread(() -> samples[0] = calls(python, rounds));
    thread.start();
    thread.join();
    return samples[0];
  }

  /**
   * Fills 64 MiB, has Python add one to all of it, and sums it.
   *
   * @param addOne the function, which sees the same memory
   * @param memory {@value Numbers#BYTES} direct bytes
   * @param rounds how many samples to take
   * @return ms each
   */
  public static double[] share(Runnable addOne, ByteBuffer memory, int rounds) {
    FloatBuffer numbers = memory.order(ByteOrder.nativeOrder()).asFloatBuffer();
    double[] samples = new double[rounds];
    for (int i = -SHARES; i < rounds; i++) {
      long start = System.nanoTime();
      Numbers.fill(numbers);
      addOne.run();
      Numbers.checked(Numbers.sum(numbers));
      if (i >= 0) {
        samples[i] = (System.nanoTime() - start) / 1e6;
      }
    }
    return samples;
  }
}
