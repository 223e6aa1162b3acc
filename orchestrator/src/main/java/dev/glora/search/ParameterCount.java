package dev.glora.search;

/** How the parameters of a structure are counted. */
public enum ParameterCount {
  /** The entries that are trained and that an adapter file holds: the sum over the five tensors. */
  STORED,
  /** C, D and E of a site as the one bias vector that they fold into after training. */
  FOLDED;

  /**
   * Reads a name of the experiment file.
   *
   * @param name {@code stored} or {@code folded}
   * @return the way of counting
   */
  public static ParameterCount of(String name) {
    return name.equals("stored") ? STORED : FOLDED;
  }
}
