package dev.glora.report;

import dev.glora.store.RunStatus;
import java.util.Locale;
import org.apache.commons.text.WordUtils;

/** Names and texts as people read them. */
final class Words {
  private static final int WIDTH = 80;

  private Words() {}

  /** Breaks a text into lines for a terminal; those after the first stand under the first. */
  static String wrap(String text, int indent) {
    return WordUtils.wrap(text, WIDTH - indent, "\n" + " ".repeat(indent), false);
  }

  static String status(RunStatus status) {
    return status.name().toLowerCase(Locale.ROOT);
  }
}
