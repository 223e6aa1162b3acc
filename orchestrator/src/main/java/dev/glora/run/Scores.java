package dev.glora.run;

import dev.glora.data.Target;
import java.util.Locale;

/** Accuracy and loss in progress lines and summaries. */
final class Scores {
  private Scores() {}

  /** The accuracy is left out of a number, which is only more or less right. */
  static String of(Target target, double accuracy, double loss) {
    String shown = String.format(Locale.ROOT, "loss %.3f", loss);
    return target.kind() == Target.Kind.NUMBER
        ? shown
        : String.format(Locale.ROOT, "accuracy %.1f %%, ", 100 * accuracy) + shown;
  }
}
