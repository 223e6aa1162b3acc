package dev.glora.experiment;

import java.util.Locale;

/** What becomes of the search's winner before it is merged and tested. */
public enum FinalMode {
  /** The supernet's weights are used as they are, as published. */
  INHERIT,
  /** The inherited weights are trained further with the structure fixed. */
  FINETUNE,
  /** The structure is trained from the pre-trained body. */
  RETRAIN;

  /**
   * The name in files, in the store and on the command line.
   *
   * @return the name in lower case
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a name.
   *
   * @param id name in lower case
   * @return the mode
   */
  public static FinalMode of(String id) {
    return valueOf(id.toUpperCase(Locale.ROOT));
  }
}
