package dev.glora.bridge.spi;

import dev.glora.bridge.JavaFunction;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongConsumer;

/**
 * Lets Python call Java functions, and keeps what they throw until the job is over, so that an
 * exception that passes through Python arrives as itself.
 *
 * <p>Used on the owner thread only.
 */
public final class JavaFunctions {

  private final LongConsumer handedOver;
  private final Map<Long, Throwable> thrown = new HashMap<>();
  private long numbers;

  /**
   * Creates an empty one.
   *
   * @param handedOver told of each tensor that a function returns
   */
  public JavaFunctions(LongConsumer handedOver) {
    this.handedOver = handedOver;
  }

  /** What Python is given of a function: an object with this one method. */
  @FunctionalInterface
  public interface Callable {

    /**
     * Calls the function.
     *
     * @param arguments a list, encoded as results are
     * @return a program and its values, or {@code "!"}, a number, a class and a message
     */
    Object[] call(Object arguments);
  }

  /**
   * Returns what Python is given of a function.
   *
   * @param function the function
   */
  public Callable callable(JavaFunction function) {
    return arguments -> {
      @SuppressWarnings("unchecked") // Encoded from Python's tuple of arguments.
      List<Object> args = (List<Object>) Results.decode(arguments, this::thrown);
      return call(function, args, this::callable);
    };
  }

  /**
   * Calls a function.
   *
   * @param function the function
   * @param args its arguments
   * @param callables makes what crosses in place of a function that it returns
   * @return as {@link Callable#call}
   */
  public Object[] call(
      JavaFunction function, List<Object> args, Function<JavaFunction, ?> callables) {
    try {
      Object[] result = {function.call(args)};
      return Arguments.encode(result, "a Java function's result", handedOver, callables);
    } catch (Throwable e) {
      return failed(e);
    }
  }

  private Object[] failed(Throwable e) {
    thrown.put(++numbers, e);
    String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    String type = e instanceof RemoteError remote ? remote.javaClass() : e.getClass().getName();
    return new Object[] {"!", numbers, type, message};
  }

  /**
   * Returns what was thrown under this number, or null if its job is over.
   *
   * @param number as Python was told it
   */
  public Throwable thrown(long number) {
    return thrown.get(number);
  }

  /** Forgets what was thrown; to be called at the end of a job. */
  public void forget() {
    if (!thrown.isEmpty()) {
      thrown.clear();
    }
  }
}
