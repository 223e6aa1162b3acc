package dev.glora.report;

import dev.glora.store.RunStatus;
import java.util.Locale;

/** Names as people read them. */
final class Words {
  private Words() {}

  static String status(RunStatus status) {
    return status.name().toLowerCase(Locale.ROOT);
  }
}
