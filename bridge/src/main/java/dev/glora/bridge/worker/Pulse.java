package dev.glora.bridge.worker;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Asks a worker for signs of life and notices their absence.
 *
 * <p>What counts is beats without an answer, not the time: where this process was stopped as well,
 * the worker is not to blame. The first answer starts the count, since a JVM may take long to start
 * on a busy machine.
 */
final class Pulse implements AutoCloseable {

  /** Beats in the time of silence that is borne. */
  private static final int BEATS = 6;

  private static final ThreadFactory DAEMONS =
      work -> {
        Thread thread = new Thread(work, "python-pulse");
        thread.setDaemon(true);
        return thread;
      };

  private static final ScheduledExecutorService CLOCK =
      Executors.newSingleThreadScheduledExecutor(DAEMONS);

  /** To send may take as long as the worker is stopped, so the clock does not. */
  private static final ExecutorService SENDERS = Executors.newCachedThreadPool(DAEMONS);

  private final Duration silence;
  private final Runnable ping;
  private final Consumer<String> kill;
  private final AtomicInteger missed = new AtomicInteger(-1);
  private final ScheduledFuture<?> beats;

  /** The last question on its way; used by the clock only. */
  private Future<?> asked;

  /**
   * Starts to ask.
   *
   * @param silence how long the worker may give no sign of life
   * @param ping asks; may block
   * @param kill ends the worker, for the reason that it is given
   */
  Pulse(Duration silence, Runnable ping, Consumer<String> kill) {
    this.silence = silence;
    this.ping = ping;
    this.kill = kill;
    long beat = silence.toNanos() / BEATS;
    this.beats = CLOCK.scheduleWithFixedDelay(this::beat, beat, beat, TimeUnit.NANOSECONDS);
  }

  /** The worker has answered. */
  void heard() {
    missed.set(0);
  }

  private void beat() {
    int now = missed.updateAndGet(old -> old < 0 ? old : old + 1);
    if (now > BEATS) {
      close();
      kill.accept(
          String.format(
              Locale.ROOT, "it gave no sign of life for %.3g s", silence.toMillis() / 1e3));
    } else if (asked == null || asked.isDone()) {
      asked = SENDERS.submit(ping);
    }
  }

  /** Stops to ask. */
  @Override
  public void close() {
    beats.cancel(false);
  }
}
