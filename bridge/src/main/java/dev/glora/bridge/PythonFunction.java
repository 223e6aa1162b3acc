package dev.glora.bridge;

/**
 * A Python function, looked up once.
 *
 * <p>This is the hot path: with no argument, or with only longs, doubles, booleans and nulls,
 * nothing is converted or allocated on the way, and an envelope is built only for an error.
 */
@FunctionalInterface
public interface PythonFunction {

  /**
   * Calls the function, on the interpreter's own thread only.
   *
   * <p>Arguments: null, {@link Boolean}, {@link Long} and the smaller integers, {@link Double} and
   * {@link Float}, {@link String}, {@code byte[]}, {@link java.util.List} and {@link java.util.Map}
   * with string keys (both nested at will; they arrive as new {@code list} and {@code dict}), and
   * {@link Tensor}, which arrives as a {@code torch.Tensor} on the same memory. Results: the same
   * but tensors; integers as {@link Long}, tuples and lists as {@link java.util.ArrayList}, dicts
   * as {@link java.util.LinkedHashMap}.
   *
   * @param args positional arguments
   * @return the result
   * @throws PythonException if the code raised, or returned something that cannot cross
   * @throws OutOfDeviceMemoryException if memory ran out
   * @throws CancelledException if {@link PythonRuntime#interrupt()} ended it
   * @throws IllegalArgumentException if an argument cannot cross
   * @throws IllegalStateException on any other thread
   */
  Object call(Object... args);
}
