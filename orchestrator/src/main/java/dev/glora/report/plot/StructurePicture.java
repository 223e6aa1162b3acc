package dev.glora.report.plot;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** The structure as a map site × tensor: each cell has the colour of its form and a sign in it. */
final class StructurePicture implements Picture {
  static final List<String> TENSORS = List.of("A", "B", "C", "D", "E");

  private static final int ROW = 9;
  private static final int TOP = 14;
  private static final int GAP = 6;

  private final List<String> names;
  private final JsonNode sites;
  private final Legend legend = new Legend();
  private final int largest;

  StructurePicture(JsonNode sites) {
    this.sites = sites;
    this.names = shortNames(sites);
    TreeSet<String> used = new TreeSet<>(FormStyle.ORDER);
    sites.forEach(site -> TENSORS.forEach(tensor -> used.add(form(site, tensor))));
    this.largest = used.stream().mapToInt(FormStyle::rank).max().orElse(0);
    for (String form : used) {
      FormStyle style = FormStyle.of(form, largest);
      legend.box(style.words(), style.color(), style.sign());
    }
  }

  static String form(JsonNode site, String tensor) {
    return site.path(tensor).asText("none");
  }

  /** Without the path that all begin with. */
  private static List<String> shortNames(JsonNode sites) {
    List<String> names = new ArrayList<>();
    sites.forEach(site -> names.add(site.path("name").asText()));
    String prefix = names.get(0).substring(0, names.get(0).lastIndexOf('.') + 1);
    for (String name : names) {
      while (!name.startsWith(prefix)) {
        prefix = prefix.substring(0, prefix.lastIndexOf('.', prefix.length() - 2) + 1);
      }
    }
    int cut = prefix.length();
    return names.stream().map(name -> name.substring(cut)).toList();
  }

  @Override
  public int width() {
    return COLUMN;
  }

  @Override
  public int height() {
    return TOP + ROW * names.size() + GAP + legend.height();
  }

  @Override
  public void paint(Graphics2D canvas) {
    canvas.setFont(Palette.SMALL);
    FontMetrics metrics = canvas.getFontMetrics();
    int labels =
        4 + Math.min(COLUMN / 2, names.stream().mapToInt(metrics::stringWidth).max().orElse(0));
    int cell = (COLUMN - labels - 8) / TENSORS.size();
    int left = labels + 4;
    canvas.setColor(Color.BLACK);
    for (int t = 0; t < TENSORS.size(); t++) {
      centred(canvas, TENSORS.get(t), left + t * cell + cell / 2, TOP - 4);
    }
    for (int s = 0; s < names.size(); s++) {
      int y = TOP + s * ROW;
      canvas.setColor(Color.BLACK);
      String name = names.get(s);
      while (metrics.stringWidth(name) > labels - 4 && name.length() > 2) {
        name = "…" + name.substring(2);
      }
      canvas.drawString(name, left - 4 - metrics.stringWidth(name), y + ROW - 2);
      for (int t = 0; t < TENSORS.size(); t++) {
        FormStyle style = FormStyle.of(form(sites.get(s), TENSORS.get(t)), largest);
        int x = left + t * cell;
        canvas.setColor(style.color());
        canvas.fillRect(x, y, cell - 1, ROW - 1);
        canvas.setColor(Palette.dark(style.color()) ? Color.WHITE : Color.BLACK);
        centred(canvas, style.sign(), x + cell / 2, y + ROW - 2);
      }
    }
    legend.paint(canvas, TOP + names.size() * ROW + GAP);
  }

  private static void centred(Graphics2D canvas, String text, int x, int y) {
    canvas.drawString(text, x - canvas.getFontMetrics().stringWidth(text) / 2, y);
  }
}
