package dev.glora.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportsTest {
  @TempDir Path runs;
  private List<PlannedRun> plan;
  private RunStore store;

  @BeforeEach
  void fill() {
    plan = FilledStore.fill(runs);
    store = RunStore.open(runs);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private List<String> ids() {
    return plan.stream().map(PlannedRun::id).toList();
  }

  private JsonNode document(int index) {
    return RunDocument.of(store, runs, store.find(plan.get(index).id()).orElseThrow());
  }

  private String row(String text, String beginning) {
    return text.lines().filter(line -> line.startsWith(beginning)).findFirst().orElseThrow();
  }

  @Test
  void methodsStandSideBySideOverTheSeeds() {
    String text = Reports.experiment(store, runs, "demo", ids()).text();

    assertThat(row(text, "head").split(" {2,}"))
        .containsExactly("head", "2", "71.0 ± 1.4", "69.0 ± 0.0", "770", "0", "0", "40", "700");
    assertThat(row(text, "glora   inherit").split(" {2,}"))
        .containsExactly(
            "glora", "inherit *", "2", "80.5 ± 0.7", "79.0 ± 0.0", "935", "165", "82", "91", "900");
    assertThat(row(text, "glora   finetune").split(" {2,}"))
        .containsExactly(
            "glora", "finetune", "2", "82.0 ± 0.0", "81.5 ± 0.0", "935", "165", "82", "99", "900");
  }

  @Test
  void primaryIsTheDeclaredFinalThoughAnotherIsBetter() {
    JsonNode glora = document(2);

    assertThat(glora.at("/metrics/test/accuracy").doubleValue()).isEqualTo(0.79);
    assertThat(glora.at("/digests/merged").textValue()).isEqualTo("minherit");
    assertThat(glora.at("/finals/1/metrics/test/accuracy").doubleValue()).isEqualTo(0.815);
  }

  @Test
  void documentHasEveryPromisedKey() {
    for (int i = 0; i < plan.size(); i++) {
      JsonNode document = document(i);
      for (String key :
          List.of(
              "/run",
              "/status",
              "/experiment",
              "/task",
              "/method",
              "/seed",
              "/key",
              "/digests/structure",
              "/digests/adapter",
              "/digests/merged",
              "/parameters/trainable",
              "/parameters/adapter",
              "/parameters/total",
              "/metrics/val/accuracy",
              "/metrics/test/accuracy",
              "/merge/max_abs_diff",
              "/timings/download",
              "/environment/torch",
              "/test_openings/0/when")) {
        assertThat(document.at(key).isMissingNode()).as(key).isFalse();
      }
    }
  }

  @Test
  void runWithoutResultsHasTheSameKeysEmpty() {
    PlannedRun fresh = Runs.plan("name=fresh").get(2);
    store.upsert(fresh);

    JsonNode document = RunDocument.of(store, runs, store.find(fresh.id()).orElseThrow());

    assertThat(document.get("status").textValue()).isEqualTo("planned");
    assertThat(document.at("/digests/merged").isNull()).isTrue();
    assertThat(document.at("/parameters/adapter").isNull()).isTrue();
    assertThat(document.at("/metrics/test")).isEmpty();
    assertThat(document.get("test_openings")).isEmpty();
    assertThat(new RunReport(document).text()).contains("test split  not opened");
    assertThat(new RunReport(document).markdown()).startsWith("# " + fresh.id());
  }

  @Test
  void runReportTellsStructureMergeOpeningsAndSearch() {
    String text = new RunReport(document(2)).text();

    assertThat(text.lines()).allMatch(line -> line.length() <= 80 || line.startsWith("folder"));
    assertThat(text.replaceAll("\n {12}", " "))
        .contains("data        800 train, 200 val, 1,234 test")
        .contains(
            "evolution from a taylor start, 1,050 evaluations, best on val 81.0 % at loss 0.4111,"
                + " at most 1,000 adapter parameters (folded)")
        .contains("opened 2 times, once for each final (inherit at 2026-01-01T00:00:00Z, finetune")
        .contains("inherit              1.25e-07                200/200")
        .contains("0.query  ·  lora-4  vector  ·  scalar")
        .contains("B: lora-4 × 1, none × 1; C: none × 1, vector × 1; D: none × 2;");
  }

  @Test
  void reportsAreWrittenBesideTheRuns() throws IOException {
    Path one = Reports.writeRun(store, runs, plan.get(2).id());
    Path all = Reports.writeExperiment(store, runs, "demo", ids());

    assertThat(one).isEqualTo(runs.resolve(plan.get(2).id()).resolve("report.md"));
    assertThat(Files.readString(one))
        .contains("## Results")
        .contains("Sites below `encoder.layer.`.")
        .contains("- finetune, merged: `mfinetune`")
        .containsPattern("\\| final:inherit +\\| +1\\.0 \\|");
    assertThat(all).isEqualTo(runs.resolve("demo-report.md"));
    assertThat(Files.readString(all)).contains("| glora  | inherit * |").contains("## Runs");
    assertThat(tableWidths(Files.readString(all))).allMatch(widths -> widths == 1);
  }

  /** How many different column counts each table of a Markdown text has. */
  private static List<Long> tableWidths(String markdown) {
    return Arrays.stream(markdown.split("\n\n"))
        .filter(block -> block.startsWith("|"))
        .map(
            block ->
                block.lines().map(l -> l.chars().filter(c -> c == '|').count()).distinct().count())
        .toList();
  }

  @Test
  void unfinishedRunsAreNamedAndNotCounted() {
    store.status(plan.get(0).id(), RunStatus.FAILED, "The data is gone; get it back.");

    String text = Reports.experiment(store, runs, "demo", ids()).text();

    assertThat(text).contains("head, seed 0 is failed: The data is gone; get it back.");
    assertThat(row(text, "head").split(" {2,}")).containsSequence("head", "1", "72.0");
  }
}
