package dev.glora.bridge;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * How the backend {@code worker} starts its process.
 *
 * <p>The process is a JVM with this one's class path. It ends when this process does, and leaves
 * the signals of the terminal to it. What native code writes there to its standard output and error
 * goes to the logger {@code python.worker} (info).
 *
 * @param backend the backend that runs inside it
 * @param java the Java executable
 * @param jvmOptions further options of that JVM, behind those of the bridge
 * @param killAfter how long after an unheeded time limit the process is killed
 * @param silence how long the process may give no sign of life before it is killed; a thread of its
 *     own answers for it, whatever Python does, so it is silent only if it is stopped or gets no
 *     time at all
 */
public record WorkerOptions(
    String backend, Path java, List<String> jvmOptions, Duration killAfter, Duration silence) {

  private static final Duration SILENCE = Duration.ofSeconds(12);

  /**
   * This process's Java, the backend {@code jep}, killed one second after a time limit or after 12
   * seconds of silence.
   */
  public static final WorkerOptions DEFAULT =
      new WorkerOptions(
          "jep",
          Path.of(System.getProperty("java.home"), "bin", "java"),
          List.of(),
          Duration.ofSeconds(1));

  /** Checks and copies the parts. */
  public WorkerOptions {
    Objects.requireNonNull(backend, "backend");
    Objects.requireNonNull(java, "java");
    jvmOptions = List.copyOf(jvmOptions);
    if (backend.equals("worker")) {
      throw new IllegalArgumentException("A worker cannot run in a worker: name another backend.");
    }
    if (killAfter.isNegative()) {
      throw new IllegalArgumentException(
          "A worker cannot be killed " + killAfter + " after its time limit: 0 or more.");
    }
    if (silence.compareTo(Duration.ofMillis(100)) < 0) {
      throw new IllegalArgumentException(
          "A worker cannot be killed after a silence of " + silence + ": 100 ms or more.");
    }
  }

  /**
   * Options with the usual silence.
   *
   * @param backend the backend that runs inside the process
   * @param java the Java executable
   * @param jvmOptions further options of that JVM
   * @param killAfter how long after an unheeded time limit the process is killed
   */
  public WorkerOptions(String backend, Path java, List<String> jvmOptions, Duration killAfter) {
    this(backend, java, jvmOptions, killAfter, SILENCE);
  }

  /**
   * Returns these options with another backend inside the process.
   *
   * @param name the backend's name
   */
  public WorkerOptions withBackend(String name) {
    return new WorkerOptions(name, java, jvmOptions, killAfter, silence);
  }

  /**
   * Returns these options with other options of the JVM.
   *
   * @param options like {@code -Xmx1g}
   */
  public WorkerOptions withJvmOptions(String... options) {
    return new WorkerOptions(backend, java, List.of(options), killAfter, silence);
  }

  /**
   * Returns these options with another time to a kill.
   *
   * @param time counted from the time limit; zero kills at once
   */
  public WorkerOptions withKillAfter(Duration time) {
    return new WorkerOptions(backend, java, jvmOptions, time, silence);
  }

  /**
   * Returns these options with another time of silence.
   *
   * @param time how long the process may give no sign of life, at least 100 ms
   */
  public WorkerOptions withSilence(Duration time) {
    return new WorkerOptions(backend, java, jvmOptions, killAfter, time);
  }
}
