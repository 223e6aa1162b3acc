package dev.glora.report.plot;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.store.Trial;
import java.awt.BasicStroke;
import java.awt.Color;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The charts of a run. */
final class Charts {
  /** More would not be seen at this width, and make the SVG large. */
  private static final int POINTS = 400;

  /** The part of a curve that one point of its running mean stands for. */
  private static final int WINDOWS = 20;

  private static final Marker[] MARKERS = {
    SeriesMarkers.CIRCLE, SeriesMarkers.TRIANGLE_UP, SeriesMarkers.SQUARE, SeriesMarkers.CROSS
  };

  private static final Marker WINNER = SeriesMarkers.DIAMOND;

  private Charts() {}

  /**
   * Training loss by step: each stage's as it was, and its running mean.
   *
   * @param curves by stage {@code [[step, loss], …]}
   */
  static Picture learningCurve(JsonNode curves) {
    XYChart chart = xy("Step", "Training loss (cross-entropy)");
    Legend legend = new Legend();
    int index = 0;
    for (var curve : curves.properties()) {
      double[][] points = points(curve.getValue());
      if (points[0].length == 0) {
        continue;
      }
      Color color = Palette.series(index);
      double[][] raw = thinned(points);
      line(chart, "raw " + curve.getKey(), raw, Palette.tint(color, 0.3), new BasicStroke(0.5f));
      line(chart, curve.getKey(), thinned(runningMean(points)), color, solid(1.2f));
      legend.line(curve.getKey().replace(':', ' '), color, solid(1.2f));
      index++;
    }
    return new ChartPicture(chart, legend);
  }

  /**
   * Every evaluation of the search in its order, by where the structure came from, and the best so
   * far.
   *
   * @param trials in their order
   * @param loss whether the search goes by loss and not by accuracy
   */
  static Picture searchHistory(List<Trial> trials, boolean loss) {
    XYChart chart = xy("Evaluation", loss ? "Val loss (cross-entropy)" : "Val accuracy (%)");
    ToDoubleFunction<Trial> value = loss ? Trial::loss : trial -> 100 * trial.accuracy();
    Legend legend = new Legend();
    Map<String, List<double[]>> origins = new LinkedHashMap<>();
    List<double[]> best = new ArrayList<>();
    for (int i = 0; i < trials.size(); i++) {
      double found = value.applyAsDouble(trials.get(i));
      if (!Double.isFinite(found)) {
        continue;
      }
      origins
          .computeIfAbsent(trials.get(i).origin(), unused -> new ArrayList<>())
          .add(new double[] {i + 1.0, found});
      double before = best.isEmpty() ? found : best.get(best.size() - 1)[1];
      double now = loss ? Math.min(before, found) : Math.max(before, found);
      if (!best.isEmpty() && now != before) {
        best.add(new double[] {i + 1.0, before});
      }
      best.add(new double[] {i + 1.0, now});
    }
    int index = 0;
    for (var origin : origins.entrySet()) {
      Color color = Palette.series(index + 1);
      Marker marker = MARKERS[index % MARKERS.length];
      scatter(chart, origin.getKey(), origin.getValue(), color, marker);
      legend.marker(origin.getKey(), color, marker, ChartPicture.MARKER);
      index++;
    }
    line(chart, "best so far", columns(best), Palette.BLUE, solid(1.2f));
    legend.line("best so far", Palette.BLUE, solid(1.2f));
    return new ChartPicture(chart, legend);
  }

  /**
   * Accuracy on val against adapter parameters: every evaluated structure, those that no other one
   * beats in both, the winner, and the limit.
   *
   * @param trials the evaluations
   * @param count which of the counts
   * @param counted the name of that count
   * @param winner codes of the winner in Base64
   * @param limit the greatest count allowed, or 0
   */
  static Picture paretoFront(
      List<Trial> trials, ToLongFunction<Trial> count, String counted, String winner, long limit) {
    XYChart chart = xy("Adapter parameters, " + counted + " (thousands)", "Val accuracy (%)");
    List<double[]> all = new ArrayList<>();
    List<double[]> won = new ArrayList<>();
    for (Trial trial : trials) {
      double[] point = {count.applyAsLong(trial) / 1e3, 100 * trial.accuracy()};
      all.add(point);
      if (trial.codes().equals(winner)) {
        won.add(point);
      }
    }
    Legend legend = new Legend();
    Color grey = Palette.tint(Palette.BLACK, 0.45);
    scatter(chart, "evaluated", all, grey, SeriesMarkers.CIRCLE);
    legend.marker("evaluated", grey, SeriesMarkers.CIRCLE, ChartPicture.MARKER);
    line(chart, "Pareto front", columns(front(all)), Palette.BLUE, solid(1.2f));
    legend.line("Pareto front", Palette.BLUE, solid(1.2f));
    if (!won.isEmpty()) {
      scatter(chart, "winner", won, Palette.VERMILLION, WINNER);
      legend.marker("winner", Palette.VERMILLION, WINNER, ChartPicture.MARKER);
    }
    if (limit > 0) {
      double low = all.stream().mapToDouble(point -> point[1]).min().orElse(0);
      double high = all.stream().mapToDouble(point -> point[1]).max().orElse(100);
      double[][] upright = {{limit / 1e3, limit / 1e3}, {low, high}};
      line(chart, "limit", upright, Palette.BLACK, dashed(0.8f));
      legend.line("limit", Palette.BLACK, dashed(0.8f));
    }
    return new ChartPicture(chart, legend);
  }

  /** The steps of what can be had with at most so many parameters. */
  static List<double[]> front(List<double[]> points) {
    List<double[]> sorted = new ArrayList<>(points);
    sorted.sort(
        Comparator.comparingDouble((double[] point) -> point[0]).thenComparing(point -> -point[1]));
    List<double[]> steps = new ArrayList<>();
    double best = Double.NEGATIVE_INFINITY;
    for (double[] point : sorted) {
      if (point[1] > best) {
        if (!steps.isEmpty()) {
          steps.add(new double[] {point[0], best});
        }
        steps.add(point);
        best = point[1];
      }
    }
    return steps;
  }

  /**
   * Which share of the genes has which form, by depth. Tensors that no site uses are left out.
   *
   * @param sites sites of the structure
   */
  static Picture formShares(JsonNode sites) {
    List<String> tensors = new ArrayList<>();
    for (String tensor : StructurePicture.TENSORS) {
      for (JsonNode site : sites) {
        if (!StructurePicture.form(site, tensor).equals("none")) {
          tensors.add(tensor);
          break;
        }
      }
    }
    TreeMap<Integer, Map<String, Integer>> depths = new TreeMap<>();
    TreeSet<String> forms = new TreeSet<>(FormStyle.ORDER);
    for (int s = 0; s < sites.size(); s++) {
      Map<String, Integer> counts =
          depths.computeIfAbsent(
              Depth.of(sites.get(s).path("name").asText(), s), unused -> new LinkedHashMap<>());
      for (String tensor : tensors) {
        String form = StructurePicture.form(sites.get(s), tensor);
        forms.add(form);
        counts.merge(form, 1, Integer::sum);
      }
    }
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(Picture.COLUMN)
            .height(ChartPicture.HEIGHT)
            .xAxisTitle("Depth (block)")
            .yAxisTitle("Share of " + String.join(", ", tensors) + " (%)")
            .build();
    ChartPicture.style(chart.getStyler());
    chart.getStyler().setStacked(true);
    chart.getStyler().setAvailableSpaceFill(0.8);
    chart.getStyler().setYAxisMin(0.0);
    chart.getStyler().setYAxisMax(100.0);
    chart.getStyler().setYAxisDecimalPattern("0");
    Legend legend = new Legend();
    int largest = forms.stream().mapToInt(FormStyle::rank).max().orElse(0);
    List<Integer> axis = new ArrayList<>(depths.keySet());
    for (String form : forms) {
      FormStyle style = FormStyle.of(form, largest);
      List<Double> shares = new ArrayList<>();
      for (Map<String, Integer> counts : depths.values()) {
        int all = counts.values().stream().mapToInt(n -> n).sum();
        shares.add(all == 0 ? 0 : 100.0 * counts.getOrDefault(form, 0) / all);
      }
      Color color = form.equals("none") ? Palette.GRID : style.color();
      chart.addSeries(style.words(), axis, shares).setFillColor(color);
      legend.box(style.words(), color, "");
    }
    return new ChartPicture(chart, legend);
  }

  private static XYChart xy(String x, String y) {
    XYChart chart =
        new XYChartBuilder()
            .width(Picture.COLUMN)
            .height(ChartPicture.HEIGHT)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .build();
    ChartPicture.style(chart.getStyler());
    chart.getStyler().setXAxisTickMarkSpacingHint(40);
    chart.getStyler().setYAxisTickMarkSpacingHint(20);
    return chart;
  }

  private static void scatter(
      XYChart chart, String name, List<double[]> points, Color color, Marker marker) {
    double[][] columns = columns(points);
    XYSeries series = chart.addSeries(name, columns[0], columns[1]);
    series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    series.setMarker(marker).setMarkerColor(color);
  }

  private static void line(
      XYChart chart, String name, double[][] points, Color color, BasicStroke stroke) {
    XYSeries series = chart.addSeries(name, points[0], points[1]);
    series.setMarker(SeriesMarkers.NONE).setLineColor(color).setLineStyle(stroke);
  }

  private static BasicStroke solid(float width) {
    return new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND);
  }

  private static BasicStroke dashed(float width) {
    return new BasicStroke(
        width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {4, 2}, 0);
  }

  private static double[][] columns(List<double[]> points) {
    return new double[][] {
      points.stream().mapToDouble(point -> point[0]).toArray(),
      points.stream().mapToDouble(point -> point[1]).toArray()
    };
  }

  private static double[][] points(JsonNode curve) {
    List<double[]> points = new ArrayList<>();
    for (JsonNode each : curve) {
      // Numbers that are none are text in JSON.
      if (each.path(1).isNumber() && Double.isFinite(each.path(1).doubleValue())) {
        points.add(new double[] {each.path(0).doubleValue() + 1, each.path(1).doubleValue()});
      }
    }
    return columns(points);
  }

  /** Means over a twentieth of the curve, where there is as much on both sides. */
  static double[][] runningMean(double[][] points) {
    int n = points[0].length;
    int half = n / WINDOWS / 2;
    double[] sums = new double[n + 1];
    for (int i = 0; i < n; i++) {
      sums[i + 1] = sums[i] + points[1][i];
    }
    double[][] means = new double[2][n - 2 * half];
    for (int i = half; i < n - half; i++) {
      means[0][i - half] = points[0][i];
      means[1][i - half] = (sums[i + half + 1] - sums[i - half]) / (2 * half + 1);
    }
    return means;
  }

  /** Neighbours averaged until few enough are left. */
  private static double[][] thinned(double[][] points) {
    int n = points[0].length;
    if (n <= POINTS) {
      return points;
    }
    double[][] out = new double[2][POINTS];
    for (int i = 0; i < POINTS; i++) {
      int from = (int) ((long) i * n / POINTS);
      int to = (int) ((long) (i + 1) * n / POINTS);
      for (int j = from; j < to; j++) {
        out[0][i] += points[0][j] / (to - from);
        out[1][i] += points[1][j] / (to - from);
      }
    }
    return out;
  }
}
