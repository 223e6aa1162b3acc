package dev.glora.bridge;

/** Something was asked of a backend that it cannot do; it was refused before it was tried. */
public final class MissingCapabilityException extends BridgeException {

  private static final long serialVersionUID = 1L;

  private final Capability capability;

  /**
   * Creates the exception.
   *
   * @param capability what is missing
   * @param message what was asked of which backend, and what to do
   */
  public MissingCapabilityException(Capability capability, String message) {
    super(message, null);
    this.capability = capability;
  }

  /** Returns what the backend lacks. */
  public Capability capability() {
    return capability;
  }
}
