package dev.glora.bridge.spi;

import dev.glora.bridge.PythonSession;
import java.time.Duration;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * An interpreter as its {@link OwnerThread} sees it.
 *
 * <p>Every method is called on the owner thread but {@link #plant} and {@link #overdue}.
 */
public interface Engine {

  /** Returns what tasks get. */
  PythonSession session();

  /**
   * Plants an interruption in what the owner thread runs; called on any other thread, only while a
   * job is current.
   *
   * @return complete once the interpreter knows of it; the owner waits for that before it goes on
   *     to another job
   */
  CompletableFuture<Void> plant();

  /** Returns once no planted interruption is on its way any more, absorbing late ones. */
  void drain();

  /** Called before the first and after the last call of each job from the queue. */
  default void jobBegins() {}

  /** The counterpart of {@link #jobBegins}; may throw what became of the interpreter. */
  default void jobEnds() {}

  /**
   * Called again and again while a job runs on after its time limit, each time after another
   * interruption was planted.
   *
   * @param since how long ago the limit was reached
   */
  default void overdue(Duration since) {}

  /**
   * Returns those tensors whose memory a Python object still uses, and lets go of what only the
   * bridge itself holds of them.
   *
   * @param ids their {@linkplain dev.glora.bridge.Tensor#id() numbers}
   */
  Set<Long> stillExported(Collection<Long> ids);

  /** Logs lines of output that have no end yet. */
  void finishOutput();

  /** Ends the interpreter, after its last job. */
  default void close() {}
}
