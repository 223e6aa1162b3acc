package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What Java functions must do on every backend that has {@link Capability#CALLBACKS}. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class CallbackContract {

  private static final String SAMPLES = ValueContract.SAMPLES;

  private PythonRuntime python;

  /** Returns the backend's name. */
  protected abstract String backend();

  @BeforeAll
  void open() {
    python = PythonRuntime.open(TestPython.config(backend()));
    assumeTrue(python.capabilities().contains(Capability.CALLBACKS));
  }

  @AfterAll
  void close() {
    python.close();
  }

  private Object call(String function, Object... args) {
    return python.call(SAMPLES, function, args).join();
  }

  private static JavaFunction java(JavaFunction function) {
    return function;
  }

  @Test
  void argumentsAndResultsCross() {
    List<Object> seen = new ArrayList<>();
    Map<String, Object> result = Map.of("a", List.of(1L, 2.5, "ä", Map.of("b", true)));
    JavaFunction function =
        args -> {
          seen.addAll(args);
          return result;
        };
    List<Object> args =
        Arrays.asList(null, true, 7L, 0.5, "é😀", List.of(List.of(), 1L), Map.of("k", "v"));
    List<Object> all = new ArrayList<>(List.of(function));
    all.addAll(args);
    assertThat(call("apply", all.toArray())).isEqualTo(result);
    assertThat(seen).isEqualTo(args);
    byte[] bytes = {0, -1, 127};
    assertThat((byte[]) call("apply", java(a -> a.get(0)), bytes)).isEqualTo(bytes);
    assertThat(call("apply", java(a -> null))).isNull();
    assertThat(call("apply_many", java(a -> 2 * (Long) a.get(0)), 1_000L)).isEqualTo(999_000L);
  }

  @Test
  void functionsRunOnTheOwnerThread() {
    Thread owner = python.submit(session -> Thread.currentThread()).join();
    Thread[] seen = new Thread[1];
    call("apply", java(args -> seen[0] = null));
    call(
        "apply",
        java(
            args -> {
              seen[0] = Thread.currentThread();
              return null;
            }));
    assertThat(seen[0]).isSameAs(owner);
  }

  @Test
  void functionsMayBeKeptAndCalledLater() {
    call("keep_function", java(args -> args.size()));
    assertThat(call("call_kept", 1L, 2L, 3L)).isEqualTo(3L);
    call("let_go");
  }

  @Test
  void whatTheyThrowPassesThroughPythonAsItself() {
    IOException thrown = new IOException("mine");
    JavaFunction function =
        args -> {
          throw thrown;
        };
    Throwable failure = TestPython.failure(python.call(SAMPLES, "apply", function));
    assertThat(failure).isInstanceOf(PythonException.class);
    PythonException e = (PythonException) failure;
    assertThat(e.type()).endsWith("JavaError");
    assertThat(e.message()).isEqualTo("mine");
    assertThat(e.frames()).extracting(Frame::function).containsExactly("apply");
    assertThat(e.getCause()).isSameAs(thrown);
    assertThat(call("apply_and_tell", function))
        .isEqualTo(List.of("JavaError", "mine", IOException.class.getName()));
    assertThat(
            TestPython.failure(
                python.call(
                    SAMPLES,
                    "apply",
                    java(
                        args -> {
                          throw new StackOverflowError();
                        }))))
        .hasCauseInstanceOf(StackOverflowError.class);
    assertThat(call("apply_and_tell", java(args -> 1L))).isEqualTo(List.of("returned", 1L));
  }

  @Test
  void resultsThatCannotCrossAreNamed() {
    Throwable failure =
        TestPython.failure(python.call(SAMPLES, "apply", java(args -> Thread.currentThread())));
    assertThat(((PythonException) failure).message()).contains("java.lang.Thread");
    assertThat(failure).hasCauseInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void javaCallsPythonCallsJavaCallsPython() {
    JavaFunction[] self = new JavaFunction[1];
    self[0] = args -> python.call(SAMPLES, "factorial", args.get(0), self[0]).join();
    assertThat(call("factorial", 15L, self[0])).isEqualTo(1_307_674_368_000L);
    Object inTask =
        python
            .submit(
                session -> {
                  JavaFunction[] inner = new JavaFunction[1];
                  inner[0] = args -> session.call(SAMPLES, "factorial", args.get(0), inner[0]);
                  return session.call(SAMPLES, "factorial", 10L, inner[0]);
                })
            .join();
    assertThat(inTask).isEqualTo(3_628_800L);
  }

  @Test
  void errorsPassThroughEachSide() {
    JavaFunction divides = args -> python.submit(s -> s.call(SAMPLES, "exit_with", 4L)).join();
    Throwable failure = TestPython.failure(python.call(SAMPLES, "apply", divides));
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    assertThat(((PythonException) root).type()).isEqualTo("SystemExit");
    assertThat(call("total", 1L, 2L)).isEqualTo(3L);
  }

  @Test
  void onAThreadOfPythonsOwnTheyAreRefused() {
    assumeFalse(
        python.capabilities().contains(Capability.SANDBOX), "a sandbox has no threads at all");
    assertThat((String) call("apply_on_a_thread", java(args -> 1L)))
        .startsWith("RuntimeError: ")
        .contains("thread of Python's own");
  }
}
