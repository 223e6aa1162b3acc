package dev.glora.bridge.worker;

import dev.glora.bridge.CancelledException;
import dev.glora.bridge.Capability;
import dev.glora.bridge.Frame;
import dev.glora.bridge.MissingCapabilityException;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.ResourceLimitException;
import dev.glora.bridge.spi.Failures;
import dev.glora.bridge.spi.RemoteError;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.LongFunction;

/** Exceptions on their way from the worker to its parent. */
final class Outcomes {

  private static final String PYTHON = "python";
  private static final String MEMORY = "memory";
  private static final String CANCELLED = "cancelled";
  private static final String RESOURCE = "resource";
  private static final String CAPABILITY = "capability";
  private static final String START = "start";
  private static final String ARGUMENT = "argument";
  private static final String OTHER = "other";

  private Outcomes() {}

  /** Tells all about an exception: what it is, its message and, for some, more. */
  static List<?> tell(Throwable failure) {
    if (failure instanceof PythonException e) {
      return List.of(PYTHON, e.message(), describe(e));
    }
    if (failure instanceof OutOfDeviceMemoryException e) {
      List<?> told = e.getCause() instanceof PythonException below ? describe(below) : List.of();
      return List.of(MEMORY, e.getMessage(), told);
    }
    if (failure instanceof OutOfMemoryError) {
      return List.of(MEMORY, "Memory ran out in the worker: " + failure.getMessage(), List.of());
    }
    if (failure instanceof CancelledException) {
      return List.of(CANCELLED, failure.getMessage());
    }
    if (failure instanceof ResourceLimitException) {
      return List.of(RESOURCE, failure.getMessage());
    }
    if (failure instanceof MissingCapabilityException e) {
      return List.of(CAPABILITY, e.getMessage(), e.capability().name());
    }
    if (failure instanceof PythonStartException e) {
      return List.of(START, e.getMessage(), e.tried());
    }
    if (failure instanceof IllegalArgumentException) {
      return List.of(ARGUMENT, Link.printable(String.valueOf(failure.getMessage())));
    }
    return List.of(OTHER, Link.printable(failure.toString()));
  }

  /**
   * Makes the exception that was told of.
   *
   * @param thrown gives the exception that a Java function threw, by its number
   */
  static RuntimeException read(List<?> told, LongFunction<Throwable> thrown) {
    String message = (String) told.get(1);
    return switch ((String) told.get(0)) {
      case PYTHON -> Failures.python((List<?>) told.get(2), thrown);
      case MEMORY -> {
        List<?> below = (List<?>) told.get(2);
        Throwable cause = below.isEmpty() ? null : Failures.python(below, thrown);
        yield new OutOfDeviceMemoryException(message, cause);
      }
      case CANCELLED -> new CancelledException(message);
      case RESOURCE -> new ResourceLimitException(message, null);
      case CAPABILITY ->
          new MissingCapabilityException(
              Capability.valueOf((String) told.get(2)),
              "In the process of the backend \"worker\": " + message);
      case START ->
          new PythonStartException(
              message, ((List<?>) told.get(2)).stream().map(String.class::cast).toList());
      case ARGUMENT -> new IllegalArgumentException(message);
      default -> new IllegalStateException("In the worker's process: " + message);
    };
  }

  /** Describes an exception and those around it as {@code describe} in {@code trampoline.py}. */
  private static List<?> describe(PythonException error) {
    List<PythonException> errors = new ArrayList<>(List.of(error));
    IdentityHashMap<PythonException, Integer> found = new IdentityHashMap<>();
    found.put(error, 0);
    List<List<?>> described = new ArrayList<>();
    for (int i = 0; i < errors.size(); i++) { // which grows on the way
      described.add(describe(errors.get(i), errors, found));
    }
    return described;
  }

  private static List<?> describe(
      PythonException error,
      List<PythonException> errors,
      IdentityHashMap<PythonException, Integer> found) {
    List<Object> frames = new ArrayList<>();
    for (Frame frame : error.frames()) {
      frames.addAll(List.of(frame.file(), frame.function(), frame.line()));
    }
    PythonException cause = error.pythonCause().orElse(null);
    PythonException context = error.pythonContext().orElse(null);
    boolean contextShown = cause == null && context != null && error.getCause() == context;
    long number = error.getCause() instanceof RemoteError java ? java.number() : -1;
    List<Integer> group = new ArrayList<>();
    for (PythonException part : error.group()) {
      group.add(index(part, errors, found));
    }
    return List.of(
        error.type(),
        error.message(),
        error.traceback(),
        frames,
        error.notes(),
        index(cause, errors, found),
        index(context, errors, found),
        contextShown,
        group,
        number);
  }

  private static int index(
      PythonException error,
      List<PythonException> errors,
      IdentityHashMap<PythonException, Integer> found) {
    if (error == null) {
      return -1;
    }
    Integer known = found.putIfAbsent(error, errors.size());
    if (known == null) {
      errors.add(error);
      return errors.size() - 1;
    }
    return known;
  }
}
