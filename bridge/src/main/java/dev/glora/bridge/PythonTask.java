package dev.glora.bridge;

/**
 * Work that runs as a whole on the interpreter's own thread, such as a training loop.
 *
 * @param <T> the result
 */
@FunctionalInterface
public interface PythonTask<T> {

  /**
   * Does the work.
   *
   * @param session gives Python functions; usable only within this call and on this thread
   * @return the result, which completes the future
   * @throws Exception anything, which completes the future exceptionally
   */
  T run(PythonSession session) throws Exception;
}
