package dev.glora.bridge.spi;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The future of a job: cancelling it stops the job, and waiting for it where that would never end
 * is refused.
 */
final class PythonFuture<T> extends CompletableFuture<T> {

  private final OwnerThread owner;
  private final Job<T> job;

  PythonFuture(OwnerThread owner, Job<T> job) {
    this.owner = owner;
    this.job = job;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled && mayInterruptIfRunning) {
      owner.interrupt(job);
    }
    return cancelled;
  }

  @Override
  public T join() {
    beforeWaiting();
    return super.join();
  }

  @Override
  public T get() throws InterruptedException, ExecutionException {
    beforeWaiting();
    return super.get();
  }

  @Override
  public T get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    beforeWaiting();
    return super.get(timeout, unit);
  }

  private void beforeWaiting() {
    if (isDone()) {
      return;
    }
    if (owner.isCurrentThread()) {
      throw new IllegalStateException(
          "This call waits in the queue of the very thread that would wait for it here, which would"
              + " never end: make the call on this thread (it then runs at once), or wait on"
              + " another.");
    }
    owner.lookFor(this);
  }
}
