package dev.glora.bridge;

import java.util.List;

/**
 * The process behind a {@code worker} runtime ended, by a crash of native code, by the system's
 * lack of memory, by {@code os._exit} or by being killed; this process is unharmed.
 *
 * <p>All that the worker held is gone. {@link PythonRuntime#open} starts another at once; the
 * memory of tensors belongs to this process and is still there.
 */
@SuppressWarnings("serial") // An immutable JDK list of strings.
public final class WorkerDiedException extends BridgeException {

  private static final long serialVersionUID = 1L;

  private final int exitStatus;
  private final List<String> lastLines;

  /**
   * Creates the exception.
   *
   * @param message one sentence
   * @param exitStatus as {@link #exitStatus}
   * @param lastLines as {@link #lastLines}
   */
  public WorkerDiedException(String message, int exitStatus, List<String> lastLines) {
    super(message, null);
    this.exitStatus = exitStatus;
    this.lastLines = List.copyOf(lastLines);
  }

  /** Returns the process's exit status; 128 + n where signal n ended it (137 for a kill). */
  public int exitStatus() {
    return exitStatus;
  }

  /** Returns the last lines that the process wrote, oldest first. */
  public List<String> lastLines() {
    return lastLines;
  }
}
