package dev.glora.report;

import dev.glora.GloraException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a table is written. */
public enum TableFormat {
  /** For a terminal. */
  TEXT,
  /** Markdown. */
  MD,
  /** CSV by RFC 4180: a row for each row, raw numbers. */
  CSV,
  /** LaTeX with the package booktabs. */
  LATEX,
  /** The document. */
  JSON;

  /**
   * Finds a format by its name.
   *
   * @param name its name in lower case
   * @return the format
   */
  public static TableFormat of(String name) {
    return Arrays.stream(values())
        .filter(format -> format.word().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                GloraException.usage(
                    "There is no format \""
                        + name
                        + "\" of tables; expected one of "
                        + Arrays.stream(values())
                            .map(TableFormat::word)
                            .collect(Collectors.joining(", "))
                        + "."));
  }

  private String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
