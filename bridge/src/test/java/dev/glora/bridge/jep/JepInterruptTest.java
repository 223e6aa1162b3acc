package dev.glora.bridge.jep;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.glora.bridge.CancelledException;
import dev.glora.bridge.InterruptContract;
import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.TestPython;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class JepInterruptTest extends InterruptContract {

  @Override
  protected String backend() {
    return "jep";
  }

  /** Once is enough, though Python ignores what the finaliser raises. */
  @Test
  void interruptionsOfFinalisersEndTheirCallAndAreNoOutput() throws Exception {
    assertThat(struck("spin_in_a_finaliser", 1)).isInstanceOf(CancelledException.class);
  }

  @Test
  void interruptionsWhileErrorsAreDescribedAreNoOutput() throws Exception {
    assertThat(struck("spin_where_errors_are_described", Integer.MAX_VALUE))
        .isInstanceOf(CancelledException.class);
    // They were put back by what came to them.
    for (String name : new String[] {"extract_tb", "TracebackException.from_exception"}) {
      String expression = "__import__('traceback').%s.__name__".formatted(name);
      assertThat(call("result_of", expression)).isEqualTo(name.replaceAll(".*\\.", ""));
    }
  }

  /** Calls a sample, interrupts it until it ends, but so many times at most. */
  private Throwable struck(String function, int most) throws Exception {
    ListAppender<ILoggingEvent> errors = new ListAppender<>();
    errors.start();
    ((Logger) LoggerFactory.getLogger("python.stderr")).addAppender(errors);
    CountDownLatch begun = new CountDownLatch(1);
    JavaFunction tell =
        args -> {
          begun.countDown();
          return null;
        };
    try (PythonRuntime python = PythonRuntime.open(TestPython.config(backend()))) {
      CompletableFuture<Object> future = python.call(SAMPLES, function, tell);
      begun.await();
      for (int i = 0; i < most && !future.isDone(); i++) {
        python.interrupt();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
      Throwable failure = TestPython.failure(future);
      assertThat(call("total", 1L, 2L)).isEqualTo(3L);
      assertThat(errors.list).isEmpty();
      return failure;
    }
  }

  private static Object call(String function, Object... args) {
    try (PythonRuntime python = PythonRuntime.open(TestPython.config("jep"))) {
      return python.call(SAMPLES, function, args).join();
    }
  }
}
