package dev.glora.bridge;

/**
 * Something that a backend can or cannot do; asked before use, never found out by a crash. What a
 * backend lacks it refuses with a {@link MissingCapabilityException}.
 */
public enum Capability {
  /** Takes {@link Tensor} arguments, as torch tensors on the same memory. */
  TENSORS,
  /** Python runs in this process: both sides see a tensor at the same address. */
  IN_PROCESS,
  /** Loads native extension modules (NumPy, PyTorch). */
  NATIVE_EXTENSIONS,
  /** Takes {@link JavaFunction} arguments, which Python code can call. */
  CALLBACKS,
  /** Ends running Python code by {@link PythonRuntime#interrupt()} and at a time limit. */
  INTERRUPT,
  /** Keeps a crash of native code away from the calling process. */
  ISOLATION,
  /** Ends what does not heed an interruption, by killing the process that it runs in. */
  KILL,
  /** Keeps Python code from files, network, processes, environment and Java classes. */
  SANDBOX,
  /** Limits the number of statements that Python code may run. */
  STATEMENT_LIMIT,
  /** Limits the memory that Python code may use. */
  HEAP_LIMIT
}
