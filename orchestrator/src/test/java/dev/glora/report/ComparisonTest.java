package dev.glora.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonTest {
  @TempDir Path runs;

  private ObjectNode document(int index) {
    List<PlannedRun> plan = FilledStore.fill(runs);
    try (RunStore store = RunStore.open(runs)) {
      return RunDocument.of(store, runs, store.find(plan.get(index).id()).orElseThrow());
    }
  }

  @Test
  void runsOfTwoSeedsDifferInSeedAndMetrics() {
    Comparison comparison = Comparison.ofRuns(document(2), document(5));

    JsonNode json = comparison.json();
    assertThat(json.path("configuration"))
        .extracting(each -> each.path("key").asText())
        .containsExactly("seeds[0]");
    assertThat(json.path("environment")).isEmpty();
    assertThat(json.at("/structure/different").asInt()).isZero();
    assertThat(json.at("/structure/same").asInt()).isEqualTo(10);
    assertThat(comparison.text())
        .contains("Environment: equal", "Digests: equal", "0 of 10 genes differ")
        .containsPattern("inherit\\.val\\.accuracy +0\\.8000 +0\\.8100 +\\+0\\.0100");
  }

  @Test
  void otherMethodsDifferInWholeAndHaveNoStructureToCompare() {
    JsonNode json = Comparison.ofRuns(document(0), document(2)).json();

    assertThat(json.path("configuration")).isNotEmpty();
    assertThat(json.path("metrics"))
        .filteredOn(each -> each.path("key").asText().equals("train.test.accuracy"))
        .allMatch(each -> each.path("second").isNull() && each.path("difference").isNull());
    assertThat(json.at("/structure/different").asInt()).isEqualTo(10);
    assertThat(Comparison.ofRuns(document(0), document(1)).json().path("structure").isNull())
        .isTrue();
  }

  @Test
  void structuresDifferBySite() {
    JsonNode one =
        Json.parse(
            "{\"sites\":[{\"name\":\"a\",\"B\":\"lora-4\"},{\"name\":\"b\",\"E\":\"vector\"}]}");
    JsonNode two = Json.parse("{\"sites\":[{\"name\":\"a\",\"B\":\"lora-8\"},{\"name\":\"c\"}]}");

    Comparison comparison = Comparison.ofStructures("one.json", one, "two.json", two);

    assertThat(comparison.json().at("/structure/same").asInt()).isEqualTo(4);
    assertThat(comparison.json().at("/structure/different").asInt()).isEqualTo(11);
    assertThat(comparison.text())
        .startsWith("1: one.json\n2: two.json\n")
        .containsPattern("a +B +lora-4 +lora-8")
        .containsPattern("b +E +vector +–")
        .containsPattern("c +A +– +none");
  }

  @Test
  void environmentsAreComparedByTheirFingerprint() {
    ObjectNode one = document(2);
    ObjectNode two = one.deepCopy();
    assertThat(Comparison.ofRuns(one, two).json().path("same_fingerprint").asBoolean()).isFalse();
    one.withObject("/environment").put("fingerprint", "f");
    two.withObject("/environment").put("fingerprint", "f");
    assertThat(Comparison.ofRuns(one, two).json().path("same_fingerprint").asBoolean()).isTrue();
    two.withObject("/environment").put("fingerprint", "g").put("threads", 4);

    Comparison comparison = Comparison.ofRuns(one, two);

    assertThat(comparison.json().path("same_fingerprint").asBoolean()).isFalse();
    assertThat(comparison.text()).containsPattern("threads +2 +4");
  }
}
