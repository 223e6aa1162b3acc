package dev.glora.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.report.ResultTable.Group;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResultTableTest {
  private static PublishedValue published(String method, double value, boolean verified) {
    return new PublishedValue(
        "T",
        List.of(),
        "movies",
        method,
        "test",
        "accuracy",
        value,
        0.05,
        OptionalDouble.empty(),
        0,
        OptionalDouble.empty(),
        "A & B (2024), Table 1",
        verified,
        "");
  }

  private static JsonNode run(String label, long seed, double... accuracies) {
    ObjectNode run =
        Json.object()
            .put("task", "movies")
            .put("method", "glora")
            .put("label", label)
            .put("seed", seed);
    run.putObject("configuration").putObject("model").put("source", "local:m");
    String[] modes = {"finetune", "inherit"};
    for (int i = 0; i < accuracies.length; i++) {
      ObjectNode last = run.withArray("finals").addObject();
      last.put("mode", modes[i]).put("primary", i == 0);
      last.putObject("metrics").putObject("test").put("accuracy", accuracies[i]);
      last.putObject("parameters").put("folded", 1000 + seed);
    }
    return run;
  }

  private static ResultTable table(PublishedValue... published) {
    List<JsonNode> runs = new ArrayList<>();
    double[] accuracies = {0.80, 0.81, 0.82};
    for (int seed = 0; seed < accuracies.length; seed++) {
      runs.add(run("my_method", seed, accuracies[seed], 0.7));
    }
    return ResultTable.of(
        "demo", List.of(new Group(runs, 2)), List.of(published), "test", "accuracy");
  }

  @Test
  void averagesOfVtabAreGivenByGroupAndByTaskOnceAllTasksAreThere() {
    List<String> tasks =
        List.of(
            "cifar,caltech101,dtd,oxford_flowers102,oxford_iiit_pet,svhn,sun397,patch_camelyon,"
                .concat("eurosat,resisc45,diabetic_retinopathy,clevr_count,clevr_dist,dmlab,kitti,")
                .concat("dsprites_loc,dsprites_ori,smallnorb_azi,smallnorb_ele")
                .split(","));
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < tasks.size(); i++) {
      ObjectNode run = (ObjectNode) run("glora", 0, i < 7 ? 0.7 : i < 11 ? 0.5 : 0.2);
      groups.add(new Group(List.of(run.put("task", tasks.get(i))), 0));
    }
    ResultTable whole = ResultTable.of("vtab", groups, List.of(), "test", "accuracy");
    JsonNode line = whole.json().path("averages").path(0);
    Offset<Double> rounding = Offset.offset(1e-9);
    assertThat(line.path("natural").doubleValue()).isCloseTo(70, rounding);
    assertThat(line.path("mean_of_groups").doubleValue()).isCloseTo(140 / 3.0, rounding);
    assertThat(line.path("mean_of_tasks").doubleValue())
        .isCloseTo((7 * 70 + 4 * 50 + 8 * 20) / 19.0, rounding);
    assertThat(whole.text(TableFormat.TEXT).replaceAll("\\s+", " "))
        .contains("mean of the three groups 46.7, mean of the 19 tasks 44.7");
    ResultTable part = ResultTable.of("vtab", groups.subList(0, 18), List.of(), "test", "accuracy");
    assertThat(part.json().has("averages")).isFalse();
  }

  /** By hand: mean 2, s 1, t(0.975, 2) = 4.3027, so the half-width is 2.4841 + 0.05. */
  @ParameterizedTest
  @CsvSource({"4.5,AGREES", "4.6,BELOW", "-0.5,AGREES", "-0.6,ABOVE"})
  void verdictIsStudentsInterval(double value, Verdict verdict) {
    assertThat(Verdict.of(List.of(1.0, 2.0, 3.0), published("m", value, true))).isEqualTo(verdict);
  }

  /**
   * By hand: variances of the means 1/3 and 0.25/5, so the difference's is 0.38333; Welch's degrees
   * of freedom 0.38333² / ((1/3)²/2 + 0.05²/4) = 2.6153; t(0.975, 2.6153) = 3.4597, times √0.38333
   * is 2.142.
   */
  @ParameterizedTest
  @CsvSource({"4.10,AGREES", "4.25,BELOW"})
  void publishedDeviationMakesItWelchs(double value, Verdict verdict) {
    PublishedValue plain = published("m", value, true);
    PublishedValue with =
        new PublishedValue(
            plain.table(),
            plain.sources(),
            plain.task(),
            plain.method(),
            plain.split(),
            plain.metric(),
            value,
            0.05,
            OptionalDouble.of(0.5),
            5,
            plain.parameters(),
            plain.source(),
            true,
            "");

    assertThat(Verdict.of(List.of(1.0, 2.0, 3.0), with)).isEqualTo(verdict);
  }

  @Test
  void twoSeedsGiveNoVerdict() {
    assertThat(Verdict.of(List.of(1.0, 2.0), published("m", 50, true)))
        .isEqualTo(Verdict.TOO_FEW_SEEDS);
  }

  @Test
  void primaryFinalStandsBesideThePublishedValue() {
    JsonNode json = table(published("glora", 85, true), published("lora", 99, true)).json();

    assertThat(json.path("rows")).hasSize(2);
    JsonNode row = json.at("/rows/0");
    assertThat(row.path("mean").doubleValue()).isCloseTo(81, within(1e-9));
    assertThat(row.path("deviation").doubleValue()).isCloseTo(1, within(1e-9));
    assertThat(row.path("difference").doubleValue()).isCloseTo(-4, within(1e-9));
    assertThat(row.path("verdict").asText()).isEqualTo("below");
    assertThat(row.at("/parameters/max").asLong()).isEqualTo(1002);
    assertThat(json.at("/rows/1/final").asText()).isEqualTo("inherit");
    assertThat(json.at("/rows/1/published").isNull()).isTrue();
    assertThat(json.path("missing").asInt()).isEqualTo(2);
  }

  private static Offset<Double> within(double offset) {
    return Offset.offset(offset);
  }

  @Test
  void everyPublishedValueOfTheMethodHasARow() {
    assertThat(
            table(published("glora", 81, true), published("my_method", 70, false))
                .json()
                .path("rows"))
        .extracting(row -> row.path("verdict").asText())
        .containsExactly("agrees", "above", "null");
  }

  @Test
  void textNamesSourcesAndWhatIsMissing() {
    String text = table(published("glora", 85, false)).text(TableFormat.TEXT);

    assertThat(text.lines().skip(1).findFirst().orElseThrow().split(" {2,}"))
        .containsExactly(
            "movies",
            "my_method",
            "finetune *",
            "3",
            "81.0 ± 1.0",
            "1,000…1,002",
            "85.0 [1]",
            "-4.0",
            "below");
    assertThat(text)
        .contains("test accuracy (%)")
        .contains("[1] A & B (2024), Table 1 (not verified).")
        .contains("2 planned runs are not finished.");
  }

  @Test
  void latexIsEscapedAndHasAsManyCellsInEachRow() {
    String latex = table(published("glora", 85, true)).text(TableFormat.LATEX);

    assertThat(latex)
        .contains("\\usepackage{booktabs}", "\\toprule", "\\midrule", "\\bottomrule")
        .contains("my\\_method", "81.0 $\\pm$ 1.0", "$-$4.0", "A \\& B (2024)", "(\\%)");
    assertThat(latex.lines().filter(line -> line.endsWith(" \\\\")))
        .hasSize(3)
        .allMatch(line -> line.replace("\\&", "").chars().filter(c -> c == '&').count() == 8);
    assertThat(latex.replace("\\{", "").replace("\\}", "").chars().filter(c -> c == '{').count())
        .isEqualTo(latex.chars().filter(c -> c == '}').count());
  }

  @Test
  void csvHasRawNumbersAndOneLineARow() {
    List<String> lines = table(published("glora", 85, true)).text(TableFormat.CSV).lines().toList();

    assertThat(lines).hasSize(3);
    assertThat(lines.get(1))
        .startsWith("movies,glora,my_method,finetune,true,test,accuracy,%,3,81.0")
        .contains("below,\"A & B (2024), Table 1\",true,");
  }

  @Test
  void markdownIsATable() {
    assertThat(table(published("glora", 85, true)).text(TableFormat.MD).lines().limit(4))
        .allMatch(line -> line.chars().filter(c -> c == '|').count() == 10);
  }

  /** The committed numbers of the LLaMA table, beside a run that has just these values. */
  @Test
  void benchmarksStandBesideTheirPublishedValuesWithTheirMean() {
    ObjectNode run = (ObjectNode) run("glora", 56, 0.5);
    run.put("task", "sharegpt");
    ObjectNode configuration = (ObjectNode) run.path("configuration");
    ((ObjectNode) configuration.path("model")).put("source", "hf:huggyllama/llama-7b@main");
    ObjectNode values = ((ObjectNode) run.at("/finals/0/metrics")).putObject("evaluate");
    for (String name : List.of("arc_challenge", "hellaswag", "mmlu", "truthfulqa_mc")) {
      configuration.withArray("evaluate").addObject().put("name", name);
      values.put(name + ".rows", 10);
    }
    values.put("arc_challenge.acc", 0.1).put("arc_challenge.acc_norm", 0.532);
    values.put("hellaswag.acc", 0.1).put("hellaswag.acc_norm", 0.774);
    values.put("mmlu.acc", 0.362).put("truthfulqa_mc.mc1", 0.1).put("truthfulqa_mc.mc2", 0.439);
    List<PublishedValue> published =
        PublishedValue.readAll(
            Path.of(System.getProperty("glora.root"), "experiments", "published"));

    ResultTable table =
        ResultTable.of(
            "llama", List.of(new Group(List.of(run), 0)), published, "evaluate", "accuracy");

    assertThat(table.json().path("rows"))
        .extracting(row -> row.path("metric").asText())
        .containsExactly("acc_norm", "acc_norm", "acc", "mc2");
    assertThat(table.json().path("rows"))
        .allMatch(row -> Math.abs(row.path("difference").asDouble(1)) < 1e-9);
    assertThat(table.text(TableFormat.TEXT).replaceAll("\\s+", " "))
        .contains("sharegpt, arc_challenge (acc_norm) glora finetune * 1 53.2")
        .contains("glora finetune on sharegpt: mean of the 4 benchmarks 52.7.");
    assertThat(table.text(TableFormat.CSV).lines().skip(1))
        .allMatch(line -> line.startsWith("sharegpt,glora,glora,finetune,true,evaluate,"))
        .anyMatch(line -> line.endsWith(",truthfulqa_mc"));
    ResultTable named =
        ResultTable.of("llama", List.of(new Group(List.of(run), 0)), published, "evaluate", "acc");
    assertThat(named.json().path("rows"))
        .extracting(row -> row.path("benchmark").asText())
        .containsExactly("arc_challenge", "hellaswag", "mmlu");
  }

  @Test
  void lossesAreShownAsTheyAre() {
    JsonNode run = run("m", 0, 0.5);
    ((ObjectNode) run.at("/finals/0/metrics/test")).put("loss", 0.4567);

    ResultTable table =
        ResultTable.of("demo", List.of(new Group(List.of(run), 0)), List.of(), "test", "loss");

    assertThat(table.json().path("unit").asText()).isEmpty();
    assertThat(table.text(TableFormat.TEXT)).contains("test loss", "0.457");
  }

  @Test
  void nothingFinishedIsSaid() {
    ResultTable table =
        ResultTable.of("demo", List.of(new Group(List.of(), 3)), List.of(), "test", "accuracy");

    assertThat(table.text(TableFormat.TEXT))
        .isEqualTo("No run of demo is finished; glora run FILE runs it.\n");
    assertThat(table.json().path("missing").asInt()).isEqualTo(3);
  }
}
