package dev.glora.report.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.Stroke;
import java.awt.geom.Line2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.style.markers.Marker;

/** What the lines, markers and colours of a picture stand for: entries in rows, as many as fit. */
final class Legend {
  private static final int ROW = 11;
  private static final int SIGN = 14;
  private static final int GAP = 10;
  private static final int MARGIN = 6;

  /** One entry: how its sign is drawn, within 14 × 8 points, and what it stands for. */
  private record Entry(Sign sign, String words) {}

  /** Draws a sign in a box of {@link #SIGN} × 8 points. */
  @FunctionalInterface
  private interface Sign {
    void paint(Graphics2D canvas, int x, int y);
  }

  private final List<Entry> entries = new ArrayList<>();

  void line(String words, Color color, Stroke stroke) {
    entries.add(
        new Entry(
            (canvas, x, y) -> {
              canvas.setColor(color);
              canvas.setStroke(stroke);
              canvas.draw(new Line2D.Double(x, y + 4.5, x + SIGN - 2.0, y + 4.5));
              canvas.setStroke(new BasicStroke(1));
            },
            words));
  }

  void marker(String words, Color color, Marker marker, int size) {
    entries.add(
        new Entry(
            (canvas, x, y) -> {
              canvas.setColor(color);
              marker.paint(canvas, x + SIGN / 2.0 - 1, y + 4.5, size);
            },
            words));
  }

  void box(String words, Color color, String letter) {
    entries.add(
        new Entry(
            (canvas, x, y) -> {
              canvas.setColor(color);
              canvas.fillRect(x, y, SIGN - 3, 8);
              canvas.setColor(Palette.dark(color) ? Color.WHITE : Color.BLACK);
              int width = canvas.getFontMetrics().stringWidth(letter);
              canvas.drawString(letter, x + (SIGN - 3 - width) / 2, y + 7);
            },
            words));
  }

  int height() {
    return ROW * rows(metrics()).size() + 2;
  }

  void paint(Graphics2D canvas, int top) {
    canvas.setFont(Palette.SMALL);
    FontMetrics metrics = canvas.getFontMetrics();
    int y = top;
    // By the same measure as the height: rows must not depend on what is drawn on.
    for (List<Entry> row : rows(metrics())) {
      int x = MARGIN;
      for (Entry entry : row) {
        entry.sign.paint(canvas, x, y);
        canvas.setColor(Color.BLACK);
        canvas.drawString(entry.words, x + SIGN, y + 7);
        x += SIGN + metrics.stringWidth(entry.words) + GAP;
      }
      y += ROW;
    }
  }

  private List<List<Entry>> rows(FontMetrics metrics) {
    List<List<Entry>> rows = new ArrayList<>();
    int x = Integer.MAX_VALUE / 2;
    for (Entry entry : entries) {
      int width = SIGN + metrics.stringWidth(entry.words);
      if (x + width > Picture.COLUMN - MARGIN) {
        rows.add(new ArrayList<>());
        x = MARGIN;
      }
      rows.get(rows.size() - 1).add(entry);
      x += width + GAP;
    }
    return rows;
  }

  private static FontMetrics metrics() {
    Graphics2D canvas = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
    try {
      return canvas.getFontMetrics(Palette.SMALL);
    } finally {
      canvas.dispose();
    }
  }
}
