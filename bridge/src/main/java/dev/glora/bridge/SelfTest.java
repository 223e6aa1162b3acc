package dev.glora.bridge;

import dev.glora.bridge.spi.Trampoline;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Tries on a running interpreter what this library promises: for an installation's own check, and
 * for the record of a run.
 */
public final class SelfTest {

  private static final String MODULE = Trampoline.MODULE;
  private static final Duration CANCEL_AFTER = Duration.ofMillis(50);
  private static final long PATIENCE_SECONDS = 30;

  private final PythonRuntime python;
  private final List<Check> checks = new ArrayList<>();

  private SelfTest(PythonRuntime python) {
    this.python = python;
  }

  /**
   * One thing that was tried.
   *
   * @param name what it is, like {@code tensor bf16}
   * @param ok whether it is as promised
   * @param found what was found, in a few words
   */
  public record Check(String name, boolean ok, String found) {}

  /**
   * Tries everything that the runtime's backend says it can: a call, an exception, then with {@link
   * Capability#INTERRUPT} a cancel, with {@link Capability#CALLBACKS} a Java function, and with
   * {@link Capability#TENSORS} each dtype there and back, and autograd.
   *
   * @param python a runtime
   * @return the checks, in the order in which they were made; none throws
   */
  public static List<Check> run(PythonRuntime python) {
    return new SelfTest(python).run();
  }

  private List<Check> run() {
    check("call", this::call);
    check("exception", this::exception);
    if (python.capabilities().contains(Capability.INTERRUPT)) {
      check("cancel", this::cancel);
    }
    if (python.capabilities().contains(Capability.CALLBACKS)) {
      check("callback", this::callback);
    }
    if (python.capabilities().contains(Capability.TENSORS)) {
      for (DType dtype : DType.values()) {
        check("tensor " + dtype, () -> tensor(dtype));
      }
      check("autograd", this::autograd);
    }
    return List.copyOf(checks);
  }

  private void check(String name, Callable<String> work) {
    try {
      checks.add(new Check(name, true, work.call()));
    } catch (Exception e) {
      Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
      checks.add(new Check(name, false, String.valueOf(cause.getMessage())));
    }
  }

  private static void expect(boolean fact, String sentence) {
    if (!fact) {
      throw new IllegalStateException(sentence);
    }
  }

  private String call() {
    Object sum = python.call("operator", "add", 2L, 3L).join();
    expect(Long.valueOf(5).equals(sum), "2 + 3 came back as " + sum);
    return "2 + 3 = 5";
  }

  private String exception() {
    try {
      python.call("operator", "truediv", 1L, 0L).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof PythonException error) {
        expect(error.type().equals("ZeroDivisionError"), "it came back as " + error.type());
        expect(error.traceback().contains("ZeroDivisionError"), "it came without its traceback");
        return "ZeroDivisionError arrives as itself";
      }
      throw e;
    }
    throw new IllegalStateException("Python divided by zero and said nothing");
  }

  private String cancel() throws Exception {
    try {
      python.call(CANCEL_AFTER, MODULE, "spin").get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("endless Python code was not stopped", e);
    } catch (ExecutionException e) {
      expect(e.getCause() instanceof TimeLimitException, "it ended with " + e.getCause());
      call();
      return "endless code stopped at its limit, the interpreter goes on";
    }
    throw new IllegalStateException("endless Python code came to an end");
  }

  private String callback() {
    JavaFunction twice = args -> 2 * (Long) args.get(0);
    Object result = python.call(MODULE, "apply", twice, 21L).join();
    expect(Long.valueOf(42).equals(result), "2 · 21 came back as " + result);
    return "Python called Java";
  }

  private String tensor(DType dtype) {
    try (TensorScope scope = python.scope("self-test")) {
      Tensor source = scope.allocate("source", dtype, 8);
      Tensor target = scope.allocate("target", dtype, 8);
      ByteBuffer bytes = source.buffer();
      for (int i = 0; bytes.hasRemaining(); i++) {
        // Small positive numbers in every type, and truth values that are 0 or 1.
        bytes.put((byte) (dtype == DType.BOOL ? i % 2 : i % dtype.bytes() == 0 ? i + 1 : 0));
      }
      python.call(MODULE, "copy", source, target).join();
      expect(target.buffer().equals(source.buffer()), "what came back are other bytes");
      return "there and back";
    }
  }

  private String autograd() {
    try (TensorScope scope = python.scope("self-test")) {
      Tensor x = scope.allocate("x", DType.F32, 2);
      Tensor gradient = scope.allocate("gradient", DType.F32, 2);
      x.floats().put(0, 3f).put(1, -1f);
      python.call(MODULE, "square_gradient", x, gradient).join();
      float first = gradient.floats().get(0);
      float second = gradient.floats().get(1);
      expect(
          first == 6f && second == -2f,
          "the gradient of x² at (3, -1) came back as (" + first + ", " + second + ")");
      return "gradients of torch arrive";
    }
  }
}
