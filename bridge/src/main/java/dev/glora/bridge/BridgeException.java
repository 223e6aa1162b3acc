package dev.glora.bridge;

/** The root of everything that this library throws beside misuse of its own API. */
public abstract sealed class BridgeException extends RuntimeException
    permits PythonException,
        OutOfDeviceMemoryException,
        CancelledException,
        ResourceLimitException,
        WorkerDiedException,
        MissingCapabilityException,
        PythonStartException {

  private static final long serialVersionUID = 1L;

  BridgeException(String message, Throwable cause) {
    super(message, cause);
  }
}
