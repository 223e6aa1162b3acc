package dev.glora.report;

import java.util.ArrayList;
import java.util.List;

/** A table for a terminal or for Markdown; the first column is aligned left, the others right. */
final class TextTable {
  private final List<String> head;
  private final List<List<String>> rows = new ArrayList<>();
  private final int left;

  /**
   * Makes an empty table.
   *
   * @param left how many columns are aligned left
   * @param head names of the columns
   */
  TextTable(int left, String... head) {
    this.left = left;
    this.head = List.of(head);
  }

  void row(List<String> cells) {
    if (cells.size() != head.size()) {
      throw new IllegalArgumentException(
          "A row has " + cells.size() + " cells, the table " + head.size() + " columns");
    }
    rows.add(List.copyOf(cells));
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  String text() {
    int[] widths = widths();
    StringBuilder out = new StringBuilder();
    line(out, head, widths, "  ", "", "");
    for (List<String> row : rows) {
      line(out, row, widths, "  ", "", "");
    }
    return out.toString();
  }

  String markdown() {
    int[] widths = widths();
    for (int i = 0; i < widths.length; i++) {
      widths[i] = Math.max(widths[i], 3);
    }
    StringBuilder out = new StringBuilder();
    line(out, head, widths, " | ", "| ", " |");
    out.append('|');
    for (int i = 0; i < widths.length; i++) {
      out.append(' ').append("-".repeat(widths[i] - 1)).append(i < left ? "-" : ":").append(" |");
    }
    out.append('\n');
    for (List<String> row : rows) {
      line(out, row, widths, " | ", "| ", " |");
    }
    return out.toString();
  }

  private int[] widths() {
    int[] widths = new int[head.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = length(head.get(i));
      for (List<String> row : rows) {
        widths[i] = Math.max(widths[i], length(row.get(i)));
      }
    }
    return widths;
  }

  private void line(
      StringBuilder out,
      List<String> cells,
      int[] widths,
      String between,
      String begin,
      String end) {
    StringBuilder line = new StringBuilder(begin);
    for (int i = 0; i < cells.size(); i++) {
      String pad = " ".repeat(widths[i] - length(cells.get(i)));
      line.append(i == 0 ? "" : between).append(i < left ? cells.get(i) + pad : pad + cells.get(i));
    }
    out.append(line.append(end).toString().stripTrailing()).append('\n');
  }

  private static int length(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
