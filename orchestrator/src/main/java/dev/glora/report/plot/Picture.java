package dev.glora.report.plot;

import java.awt.Graphics2D;

/** Something that can be drawn. Lengths are in points, 1/72 inch. */
interface Picture {
  /** Width of a column of a two-column page. */
  int COLUMN = 252;

  int width();

  int height();

  void paint(Graphics2D canvas);
}
