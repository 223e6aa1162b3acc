package dev.glora.api;

import java.util.Optional;

/**
 * What is known of a table of one's own; what is empty is guessed, or taken from the run.
 *
 * @param text the column with the texts
 * @param pair the column with the second texts of pairs
 * @param label the column with the labels
 * @param target what is predicted, as {@code task.target} of an experiment says it
 */
public record DataColumns(
    Optional<String> text, Optional<String> pair, Optional<String> label, Optional<String> target) {
  /** Nothing is known. */
  public static final DataColumns GUESSED =
      new DataColumns(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
}
