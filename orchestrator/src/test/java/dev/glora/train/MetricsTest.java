package dev.glora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.data.PreparedSet;
import dev.glora.data.Split;
import dev.glora.data.TestSets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against scikit-learn and scipy, and where a metric is not defined. */
class MetricsTest {
  private static final Path ROOT = Path.of(System.getProperty("glora.root"));
  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e");

  @TempDir Path temp;
  private final List<Evaluation> evaluations = new ArrayList<>();
  private final ArrayNode cases = Json.array();

  private static ObjectNode target(String kind) {
    return Json.object().put("kind", kind);
  }

  private static ObjectNode number(double mean, double deviation) {
    return target("number").put("mean", mean).put("deviation", deviation);
  }

  private Split classes(int classes, int... labels) throws IOException {
    return PreparedSet.open(
            TestSets.classes(temp.resolve("c" + temp.toFile().list().length), classes, labels))
        .train();
  }

  private Split values(ObjectNode target, float[]... values) throws IOException {
    return PreparedSet.open(
            TestSets.values(temp.resolve("v" + temp.toFile().list().length), target, values))
        .train();
  }

  private void enter(String kind, Split split, float[][] labels, float[] logits) {
    evaluations.add(new Evaluation(split, logits));
    ObjectNode each = cases.addObject().put("kind", kind);
    ArrayNode rows = each.putArray("labels");
    ArrayNode outputs = each.putArray("logits");
    int width = logits.length / labels.length;
    for (int row = 0; row < labels.length; row++) {
      ArrayNode own = rows.addArray();
      for (float label : labels[row]) {
        own.add(label);
      }
      ArrayNode output = outputs.addArray();
      for (int c = 0; c < width; c++) {
        output.add(logits[row * width + c]);
      }
    }
  }

  /** Rounded to one digit, so that many are equal: ties are where ranks go wrong. */
  private static float[] logits(SplittableRandom random, int size) {
    float[] out = new float[size];
    for (int i = 0; i < size; i++) {
      out[i] = Math.round(random.nextDouble(-20, 20)) / 10f;
    }
    return out;
  }

  @Test
  void everyMetricIsWhatScikitLearnAndScipySay() throws Exception {
    SplittableRandom random = new SplittableRandom(7);
    for (int rows : new int[] {12, 67, 300}) {
      for (int classes : new int[] {2, 3, 5}) {
        int[] labels = random.ints(rows, 0, classes).toArray();
        float[][] column = new float[rows][1];
        for (int row = 0; row < rows; row++) {
          labels[row] = row < classes ? row : labels[row];
          column[row][0] = labels[row];
        }
        enter("class", classes(classes, labels), column, logits(random, rows * classes));
      }
      float[][] several = new float[rows][4];
      float[][] numbers = new float[rows][1];
      for (int row = 0; row < rows; row++) {
        for (int c = 0; c < 4; c++) {
          several[row][c] = row < 2 ? row : random.nextInt(c + 2) == 0 ? 1 : 0;
        }
        numbers[row][0] = Math.round(random.nextDouble(-40, 40)) / 10f;
      }
      enter("labels", values(target("labels"), several), several, logits(random, rows * 4));
      enter("number", values(number(0.1, 2), numbers), numbers, logits(random, rows));
    }
    JsonNode oracle = oracle();
    assertThat(oracle).hasSize(evaluations.size()).hasSize(15);
    for (int i = 0; i < evaluations.size(); i++) {
      ObjectNode found = evaluations.get(i).toJson();
      JsonNode all = evaluations.get(i).perClass(NAMES);
      assertThat(evaluations.get(i).undefined()).as("case " + i).isEmpty();
      for (Map.Entry<String, JsonNode> each : oracle.path(i).properties()) {
        String name = each.getKey();
        if (each.getValue().isArray()) {
          for (int c = 0; c < each.getValue().size(); c++) {
            // A share of nothing is NaN there and null here.
            double expected = each.getValue().path(c).doubleValue();
            JsonNode own = all.path(c).path(name);
            assertThat(own.isNull()).as(name + c).isEqualTo(Double.isNaN(expected));
            assertThat(own.doubleValue())
                .isCloseTo(Double.isNaN(expected) ? 0 : expected, within(1e-12));
          }
        } else {
          assertThat(found.path(name).doubleValue())
              .as("case " + i + ", " + name)
              .isCloseTo(each.getValue().doubleValue(), within(1e-12));
        }
      }
    }
  }

  private JsonNode oracle() throws Exception {
    Process process =
        new ProcessBuilder(
                ROOT.resolve(".venv/bin/python").toString(),
                ROOT.resolve("orchestrator/src/test/python/metrics_oracle.py").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var in = process.getOutputStream()) {
      in.write(Json.text(cases).getBytes(StandardCharsets.UTF_8));
    }
    // Python writes NaN, which is no JSON.
    String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return JsonMapper.builder()
        .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
        .build()
        .readTree(answer);
  }

  @Test
  void splitOfOneClassHasNoAreaAndNoCorrelation() throws IOException {
    Evaluation evaluation = new Evaluation(classes(2, 1, 1, 1), new float[] {0, 1, 1, 0, 0, 1});
    assertThat(evaluation.toJson().path("auroc").isNull()).isTrue();
    assertThat(evaluation.toJson().path("mcc").isNull()).isTrue();
    assertThat(evaluation.toJson().path("accuracy").doubleValue()).isEqualTo(2 / 3.0);
    assertThat(evaluation.undefined().path("auroc").asText())
        .isEqualTo("no row of the split has the class 0 (counted from 0)");
    assertThat(evaluation.undefined().path("mcc").asText()).contains("one class");
    assertThat(evaluation.perClass(NAMES).path(0).path("recall").isNull()).isTrue();
    assertThat(evaluation.perClass(NAMES).path(0).path("class").asText()).isEqualTo("a");
  }

  @Test
  void constantNumbersHaveNoCorrelation() throws IOException {
    Split split = values(number(0, 2), new float[] {1}, new float[] {2}, new float[] {3});
    Evaluation evaluation = new Evaluation(split, new float[] {2, 2, 2});
    assertThat(evaluation.toJson().path("pearson").isNull()).isTrue();
    assertThat(evaluation.undefined().path("spearman").asText())
        .isEqualTo("all predictions are equal");
    // In train's deviations of 2.
    assertThat(evaluation.loss()).isCloseTo(2 / 3.0 / 4, within(1e-15));
    assertThat(evaluation.toJson().path("mse").doubleValue()).isCloseTo(2 / 3.0, within(1e-15));
  }

  @Test
  void labelThatNoRowHasLeavesTheAreaOpenAndCountsAsZeroInTheMacroAverage() throws IOException {
    Split split = values(target("labels"), new float[] {1, 0}, new float[] {0, 0});
    Evaluation evaluation = new Evaluation(split, new float[] {1, -1, -1, -1});
    assertThat(evaluation.toJson().path("auroc").isNull()).isTrue();
    assertThat(evaluation.undefined().path("auroc").asText()).contains("the label 1");
    assertThat(evaluation.toJson().path("macro_f1").doubleValue()).isEqualTo(0.5);
    assertThat(evaluation.accuracy()).isEqualTo(1);
  }

  @Test
  void logitsThatAreNotFiniteAreNamedAndNothingIsNotANumber() throws IOException {
    List<Evaluation> all =
        List.of(
            new Evaluation(classes(2, 0, 1), new float[] {Float.NaN, 0, 0, 1}),
            new Evaluation(
                values(target("labels"), new float[] {1}, new float[] {0}),
                new float[] {Float.NaN, 0}),
            new Evaluation(
                values(number(0, 1), new float[] {1}, new float[] {0}),
                new float[] {Float.POSITIVE_INFINITY, 0}));
    for (Evaluation evaluation : all) {
      ObjectNode json = evaluation.toJson();
      json.forEach(value -> assertThat(Double.isFinite(value.doubleValue())).isTrue());
      assertThat(json.path("loss").isNull()).isTrue();
      assertThat(evaluation.undefined().path("loss").asText())
          .isEqualTo("the model gives logits that are not finite");
    }
  }

  @Test
  void rowsTellLabelPredictionAndLogits() throws IOException {
    Evaluation several =
        new Evaluation(
            values(target("labels"), new float[] {1, 0}, new float[] {0, 0}),
            new float[] {1, 2, -1, -3});
    assertThat(Json.text(several.row(0, NAMES)))
        .isEqualTo(
            "{\"row\":0,\"label\":[\"a\"],\"prediction\":[\"a\",\"b\"],\"logits\":[1.0,2.0]}");
    assertThat(several.row(1, NAMES).path("prediction")).isEmpty();
    Evaluation number =
        new Evaluation(values(number(0, 1), new float[] {0.1f}), new float[] {0.3f});
    assertThat(Json.text(number.row(0, NAMES)))
        .isEqualTo("{\"row\":0,\"label\":0.1,\"prediction\":0.3,\"logits\":[0.3]}");
  }

  @Test
  void numbersAreTheSameWithinRoundingOfTheirOwnUnit() throws IOException {
    Split split = values(number(30_000, 10_000), new float[] {1}, new float[] {40_000});
    Evaluation one = new Evaluation(split, new float[] {20_000, 30_000});
    Evaluation other = new Evaluation(split, new float[] {20_005, 30_020});
    assertThat(one.identicalPredictions(other)).isEqualTo(1);
  }
}
