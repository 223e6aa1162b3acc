package dev.glora.report.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import dev.glora.store.Trial;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class RunPlotsTest {
  private static final String[] LINEARS = {
    "attention.self.query", "attention.self.key", "attention.self.value",
    "attention.output.dense", "intermediate.dense", "output.dense"
  };

  @TempDir Path runs;

  private final SplittableRandom random = new SplittableRandom(7);

  /** A run like the quickstart's: 4 blocks of 6 sites, two curves, a search of 300. */
  private PlannedRun fill(RunStore store) {
    PlannedRun run = Runs.plan("methods.2.max_parameters=165888").get(2);
    String id = run.id();
    store.upsert(run);
    store.record(id, "curve.supernet", curve(600, 0.7));
    store.record(id, "curve.final:finetune", curve(300, 0.35));
    ObjectNode structure = Json.object().put("codes", "c150");
    String[] forms = {"none", "lora-1", "lora-2", "lora-4", "lora-8", "vector"};
    for (int s = 0; s < 24; s++) {
      structure
          .withArray("sites")
          .addObject()
          .put("name", "bert.encoder.layer." + s / 6 + "." + LINEARS[s % 6])
          .put("A", "none")
          .put("B", forms[random.nextInt(forms.length)])
          .put("C", s % 5 == 0 ? "vector" : "none")
          .put("D", "none")
          .put("E", random.nextInt(3) == 0 ? "vector" : random.nextBoolean() ? "scalar" : "none");
    }
    store.record(id, "structure", structure);
    List<Trial> trials = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      double quality = 1 - Math.exp(-i / 90.0);
      long size = Math.round(60_000 + 100_000 * random.nextDouble());
      double accuracy = 0.70 + 0.08 * quality + size / 4e6 + 0.02 * random.nextDouble();
      String origin = i < 50 ? "random" : i % 2 == 0 ? "mutation" : "crossover";
      trials.add(
          new Trial(
              id,
              i / 50,
              i % 50,
              "k" + i,
              "c" + i,
              accuracy,
              1 - accuracy,
              size,
              size,
              size,
              origin));
    }
    store.addTrials(trials);
    return run;
  }

  private ArrayNode curve(int steps, double from) {
    ArrayNode curve = Json.array();
    for (int i = 0; i < steps; i++) {
      curve.addArray().add(i).add(from * Math.exp(-i / 200.0) + 0.1 + 0.1 * random.nextDouble());
    }
    return curve;
  }

  private JsonNode draw(Path folder) {
    try (RunStore store = RunStore.open(runs)) {
      PlannedRun run = fill(store);
      return RunPlots.write(store, store.find(run.id()).orElseThrow(), folder);
    }
  }

  private static Document svg(Path file) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    return factory.newDocumentBuilder().parse(new ByteArrayInputStream(Files.readAllBytes(file)));
  }

  private static String words(Path file) throws Exception {
    StringBuilder words = new StringBuilder();
    NodeList texts = svg(file).getElementsByTagName("text");
    for (int i = 0; i < texts.getLength(); i++) {
      words.append(texts.item(i).getTextContent()).append('\n');
    }
    return words.toString();
  }

  @Test
  void everyPictureIsDrawnAsWideAsAColumn() throws Exception {
    Path folder = runs.resolve("plots");

    JsonNode drawn = draw(folder);

    assertThat(drawn.path("plots"))
        .extracting(plot -> plot.path("name").asText())
        .containsExactly(
            "learning-curve", "search-history", "pareto-front", "structure", "form-shares");
    for (JsonNode plot : drawn.path("plots")) {
      Path png = Path.of(plot.path("png").asText());
      BufferedImage image = ImageIO.read(png.toFile());
      // 3.5 inch at 300 dots.
      assertThat(image.getWidth()).isEqualTo(1050);
      assertThat(colours(image)).as(png.toString()).isGreaterThan(10);
      assertThat(physicalDots(Files.readAllBytes(png))).isEqualTo(11_811);
      assertThat(svg(Path.of(plot.path("svg").asText())).getDocumentElement().getTagName())
          .isEqualTo("svg");
    }
  }

  private static long colours(BufferedImage image) {
    return Arrays.stream(
            image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth()))
        .distinct()
        .count();
  }

  /** Dots a metre, as the PNG's pHYs chunk says it. */
  private static int physicalDots(byte[] png) {
    int at = new String(png, StandardCharsets.ISO_8859_1).indexOf("pHYs");
    assertThat(at).isPositive();
    return ByteBuffer.wrap(png, at + 4, 4).getInt();
  }

  @Test
  void everySeriesHasItsLegend() throws Exception {
    Path folder = runs.resolve("plots");
    draw(folder);

    // The library draws the axes' words as outlines; the legends and the map have text.
    assertThat(words(folder.resolve("learning-curve.svg"))).contains("supernet", "final finetune");
    assertThat(words(folder.resolve("search-history.svg")))
        .contains("random", "mutation", "crossover", "best so far");
    assertThat(words(folder.resolve("pareto-front.svg")))
        .contains("evaluated", "Pareto front", "winner", "limit");
    assertThat(words(folder.resolve("structure.svg")))
        .contains("0.attention.self.query", "3.output.dense", "LoRA, rank 8", "vector");
    assertThat(words(folder.resolve("form-shares.svg"))).contains("none", "LoRA, rank 1");
  }

  @Test
  void axesHaveNamesAndUnits() {
    List<Trial> trials = List.of(new Trial("r", 0, 0, "k", "c", 0.5, 0.7, 1, 1, 1, "random"));

    assertThat(axes(Charts.learningCurve(Json.parse("{\"train\": [[0, 1.5]]}"))))
        .isEqualTo("Step | Training loss (cross-entropy)");
    assertThat(axes(Charts.searchHistory(trials, false)))
        .isEqualTo("Evaluation | Val accuracy (%)");
    assertThat(axes(Charts.searchHistory(trials, true)))
        .isEqualTo("Evaluation | Val loss (cross-entropy)");
    assertThat(axes(Charts.paretoFront(trials, Trial::folded, "folded", "c", 0)))
        .isEqualTo("Adapter parameters, folded (thousands) | Val accuracy (%)");
    assertThat(axes(Charts.formShares(Json.parse("[{\"name\": \"a\", \"E\": \"vector\"}]"))))
        .isEqualTo("Depth (block) | Share of E (%)");
  }

  private static String axes(Picture picture) {
    var chart = ((ChartPicture) picture).chart();
    return chart.getXAxisTitle() + " | " + chart.getYAxisTitle();
  }

  @Test
  void equalRunsGiveEqualPictures() throws Exception {
    Path one = runs.resolve("one");
    Path two = runs.resolve("two");
    draw(one);
    try (RunStore store = RunStore.open(runs)) {
      RunPlots.write(store, store.runs().get(0), two);
    }

    for (String name : List.of("learning-curve.png", "pareto-front.svg", "structure.svg")) {
      assertThat(two.resolve(name)).hasSameBinaryContentAs(one.resolve(name));
    }
  }

  @Test
  void runWithoutResultsHasNothingToDraw() {
    try (RunStore store = RunStore.open(runs)) {
      JsonNode drawn =
          RunPlots.write(store, store.upsert(Runs.plan().get(0)), runs.resolve("plots"));

      assertThat(drawn.path("plots")).isEmpty();
      assertThat(runs.resolve("plots")).doesNotExist();
    }
  }

  @Test
  void lossesThatAreNoNumbersAreLeftOut() {
    try (RunStore store = RunStore.open(runs)) {
      PlannedRun run = Runs.plan().get(2);
      store.upsert(run);
      store.record(run.id(), "curve.train", Json.parse("[[0, 0.5], [1, \"NaN\"], [2, 0.4]]"));
      store.addTrial(
          new Trial(run.id(), 0, 0, "k", "c", 0.5, Double.POSITIVE_INFINITY, 1, 1, 1, "random"));

      assertThat(plots(store, run)).hasSize(2);
      store.addTrial(new Trial(run.id(), 0, 1, "l", "d", 0.5, 0.7, 1, 1, 1, "random"));
      assertThat(plots(store, run)).hasSize(3);
    }
  }

  private JsonNode plots(RunStore store, PlannedRun run) {
    return RunPlots.write(store, store.find(run.id()).orElseThrow(), runs.resolve("plots"))
        .path("plots");
  }

  @Test
  void frontIsWhatNothingBeatsInBoth() {
    List<double[]> points = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      points.add(new double[] {random.nextInt(50), random.nextInt(50)});
    }

    List<double[]> front = Charts.front(points);

    for (double[] point : points) {
      double best =
          points.stream().filter(p -> p[0] <= point[0]).mapToDouble(p -> p[1]).max().orElseThrow();
      double step =
          front.stream().filter(p -> p[0] <= point[0]).mapToDouble(p -> p[1]).max().orElseThrow();
      assertThat(step).isEqualTo(best);
    }
    assertThat(front).isSortedAccordingTo((a, b) -> Double.compare(a[0], b[0]));
  }

  @Test
  void runningMeanIsCentredAndKeepsLines() {
    double[][] line = new double[2][100];
    for (int i = 0; i < 100; i++) {
      line[0][i] = i;
      line[1][i] = 3 * i;
    }

    double[][] mean = Charts.runningMean(line);

    assertThat(mean[0]).hasSize(96).startsWith(2);
    for (int i = 0; i < mean[0].length; i++) {
      assertThat(mean[1][i]).isCloseTo(3 * mean[0][i], offset(1e-9));
    }
    assertThat(Charts.runningMean(new double[2][0])[0]).isEmpty();
  }

  @Test
  void depthIsTheFirstNumberOfThePath() {
    assertThat(Depth.of("bert.encoder.layer.11.output.dense", 3)).isEqualTo(11);
    assertThat(Depth.of("blocks.0", 3)).isZero();
    assertThat(Depth.of("fc1", 3)).isEqualTo(3);
  }
}
