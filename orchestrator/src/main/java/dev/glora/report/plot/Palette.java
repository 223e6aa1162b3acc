package dev.glora.report.plot;

import java.awt.Color;
import java.awt.Font;
import java.util.List;

/** Colours that people with every kind of colour vision tell apart (Okabe and Ito 2008). */
final class Palette {
  static final Color BLACK = new Color(0x000000);
  static final Color BLUE = new Color(0x0072B2);
  static final Color VERMILLION = new Color(0xD55E00);
  static final Color GREEN = new Color(0x009E73);
  static final Color PURPLE = new Color(0xCC79A7);
  static final Color ORANGE = new Color(0xE69F00);
  static final Color SKY = new Color(0x56B4E9);
  static final Color GRID = new Color(0xDDDDDD);
  static final Color NOTHING = new Color(0xF2F2F2);

  /** In the order of use: the first two are told apart in grey as well. */
  static final List<Color> SERIES = List.of(BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK);

  static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 8);
  static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 7);

  private Palette() {}

  static Color series(int index) {
    return SERIES.get(index % SERIES.size());
  }

  /** A tint of a colour: the part of it that is left beside white. */
  static Color tint(Color color, double part) {
    return new Color(
        mix(color.getRed(), part), mix(color.getGreen(), part), mix(color.getBlue(), part));
  }

  /** Whether white letters are read better on a colour than black ones. */
  static boolean dark(Color color) {
    // Luminance by ITU-R BT.601
    return 0.299 * color.getRed() + 0.587 * color.getGreen() + 0.114 * color.getBlue() < 140;
  }

  private static int mix(int channel, double part) {
    return (int) Math.round(255 - part * (255 - channel));
  }
}
