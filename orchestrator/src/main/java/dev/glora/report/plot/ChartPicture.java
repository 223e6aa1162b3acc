package dev.glora.report.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;

/**
 * A chart of the library as a picture, in the one style that all have. The library's own legend
 * neither wraps nor leaves the axis its title at this width, so it is drawn below.
 */
record ChartPicture(Chart<?, ?> chart, Legend legend) implements Picture {
  /** Golden section. */
  static final int HEIGHT = 156;

  static final int MARKER = 3;

  static void style(AxesChartStyler styler) {
    styler.setBaseFont(Palette.TEXT);
    styler.setAxisTitleFont(Palette.TEXT);
    styler.setAxisTickLabelsFont(Palette.SMALL);
    styler.setLegendFont(Palette.SMALL);
    styler.setChartTitleVisible(false);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(Palette.GRID);
    styler.setPlotGridLinesStroke(new BasicStroke(0.5f));
    styler.setPlotGridVerticalLinesVisible(false);
    styler.setAxisTickMarksColor(Color.BLACK);
    styler.setAxisTickMarksStroke(new BasicStroke(0.5f));
    styler.setAxisTickMarkLength(3);
    styler.setAxisTickPadding(2);
    styler.setAxisTitlePadding(5);
    styler.setPlotMargin(0);
    styler.setChartPadding(4);
    styler.setPlotContentSize(0.94);
    styler.setLegendVisible(false);
    styler.setMarkerSize(MARKER);
    styler.setAntiAlias(true);
    styler.setYAxisLabelAlignment(AxesChartStyler.TextAlignment.Right);
  }

  @Override
  public int width() {
    return chart.getWidth();
  }

  @Override
  public int height() {
    return chart.getHeight() + legend.height();
  }

  @Override
  public void paint(Graphics2D canvas) {
    chart.paint(canvas, chart.getWidth(), chart.getHeight());
    legend.paint(canvas, chart.getHeight());
  }
}
