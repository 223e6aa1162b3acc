package dev.glora.bridge;

/** Something that a backend can or cannot do; asked before use, never found out by a crash. */
public enum Capability {
  /** Takes {@link Tensor} arguments, as torch tensors on the same memory. */
  TENSORS,
  /** Loads native extension modules (NumPy, PyTorch). */
  NATIVE_EXTENSIONS,
  /** Ends running Python code by {@link PythonRuntime#interrupt()}. */
  INTERRUPT,
  /** Keeps a crash of native code away from the calling process. */
  ISOLATION,
  /** Limits what Python code may reach or use up. */
  LIMITS
}
