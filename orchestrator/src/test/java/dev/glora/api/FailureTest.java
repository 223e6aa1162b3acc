package dev.glora.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.bridge.OutOfDeviceMemoryException;
import dev.glora.bridge.PythonStartException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailureTest {
  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(GloraException.usage("A\n b."), ExitCode.USAGE, "A b."),
        Arguments.of(
            new CompletionException(GloraException.failed("Gone.")), ExitCode.FAILED, "Gone."),
        Arguments.of(
            new PythonStartException("No Python.", List.of()), ExitCode.ENVIRONMENT, "No Python."),
        Arguments.of(
            new OutOfDeviceMemoryException("9 GiB", null), ExitCode.FAILED, "smaller batch_size"),
        Arguments.of(new OutOfMemoryError("Java heap space"), ExitCode.FAILED, "batch_size"),
        Arguments.of(
            new UncheckedIOException(new IOException("No space left on device")),
            ExitCode.FAILED,
            "There is no space left on a disk"),
        Arguments.of(new StackOverflowError(), ExitCode.FAILED, "Java could not go on"),
        Arguments.of(new IllegalStateException(), ExitCode.FAILED, "IllegalStateException"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void isOneLineWithItsExitCode(Throwable error, ExitCode code, String words) {
    Failure failure = Failure.of(error);

    assertThat(failure.code()).isEqualTo(code);
    assertThat(failure.sentence()).contains(words).doesNotContain("\n");
  }
}
