package dev.glora.report.plot;

import java.awt.Color;
import java.util.Comparator;
import java.util.List;

/**
 * How a form of a support tensor is shown: colour, and a sign that stands for it without colour.
 */
record FormStyle(String form, Color color, String sign) {
  private static final String LORA = "lora-";

  /** By what they cost: none, scalar, vector, then LoRA by rank. */
  static final Comparator<String> ORDER =
      Comparator.comparingInt(
          (String form) ->
              form.startsWith(LORA)
                  ? 3 + rank(form)
                  : List.of("none", "scalar", "vector").indexOf(form));

  /**
   * Chooses the style of a form.
   *
   * @param form its name
   * @param largest greatest rank of the structure
   */
  static FormStyle of(String form, int largest) {
    if (form.startsWith(LORA)) {
      // The darker the greater the rank, never lighter than what is read beside "none".
      double part = 0.35 + 0.65 * rank(form) / Math.max(1, largest);
      return new FormStyle(form, Palette.tint(Palette.BLUE, part), String.valueOf(rank(form)));
    }
    return switch (form) {
      case "scalar" -> new FormStyle(form, Palette.GREEN, "s");
      case "vector" -> new FormStyle(form, Palette.ORANGE, "v");
      default -> new FormStyle(form, Palette.NOTHING, "");
    };
  }

  /** What a legend says of it. */
  String words() {
    return form.startsWith(LORA) ? "LoRA, rank " + rank(form) : form;
  }

  /** Rank of a LoRA form, 0 for others. */
  static int rank(String form) {
    return form.startsWith(LORA) ? Integer.parseInt(form.substring(LORA.length())) : 0;
  }
}
