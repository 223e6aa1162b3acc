package dev.glora.bridge.graalpy;

import dev.glora.bridge.spi.Failures;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.graalvm.polyglot.Context;

/**
 * Brings an interruption to the Python code that runs, or keeps it for the code that runs next.
 *
 * <p>{@link Context#interrupt} strikes only what is in Python code at that moment. So an
 * interruption first becomes <em>pending</em>. It is taken by whoever comes first: the owner, where
 * it enters Python, or a striker, a thread that strikes for as long as Python code runs and the
 * interruption is pending. The owner enters only while no striker strikes, so that what follows an
 * interrupted call is not struck as well.
 */
final class Interruptions {

  /** How long one strike waits for Python code to end; behind it the striker looks again. */
  private static final Duration STRIKE = Duration.ofMillis(5);

  private static final Executor STRIKERS =
      Executors.newCachedThreadPool(
          work -> {
            Thread thread = new Thread(work, "python-interrupt");
            thread.setDaemon(true);
            return thread;
          });

  /** Held during a strike; fair, since the striker takes it again and again. */
  private final ReentrantLock strikes = new ReentrantLock(true);

  // Guarded by this object.
  private boolean pending;
  private Context running;
  private CompletableFuture<Void> striker = CompletableFuture.completedFuture(null);

  /** Plants an interruption; called on any thread but the owner. */
  synchronized CompletableFuture<Void> plant() {
    pending = true;
    strikeIfNeeded();
    return striker;
  }

  /** Called by the owner before it enters Python; throws what was pending. */
  Context enter(Context context) {
    strikes.lock();
    try {
      synchronized (this) {
        if (pending) {
          pending = false;
          throw Failures.cancelled();
        }
        Context outer = running;
        running = context;
        return outer;
      }
    } finally {
      strikes.unlock();
    }
  }

  /** Called by the owner when Python has called Java; {@link #back} is the counterpart. */
  synchronized Context pause() {
    Context outer = running;
    running = null;
    return outer;
  }

  /** Called by the owner when it returns to the Python code that called Java, or to Java. */
  synchronized void back(Context outer) {
    running = outer;
    strikeIfNeeded();
  }

  /** Called by the owner when a strike has ended its Python code. */
  synchronized void struck() {
    pending = false;
    Thread.interrupted(); // A strike may wake a thread from waiting in this way.
  }

  /** Forgets what came too late. */
  synchronized void forget() {
    pending = false;
  }

  private void strikeIfNeeded() {
    if (pending && running != null && striker.isDone()) {
      striker = CompletableFuture.runAsync(this::strike, STRIKERS);
    }
  }

  private void strike() {
    while (true) {
      strikes.lock();
      try {
        Context target;
        synchronized (this) {
          if (!pending || running == null) {
            // Done while the lock is held: a new interruption needs a new striker.
            striker = CompletableFuture.completedFuture(null);
            return;
          }
          target = running;
        }
        target.interrupt(STRIKE);
      } catch (TimeoutException e) {
        // Native or Java code, or not yet at a safepoint: once more.
      } catch (IllegalStateException e) {
        // The context has just ended at a limit, so the owner is on its way out.
        Thread.onSpinWait();
      } finally {
        strikes.unlock();
      }
    }
  }
}
