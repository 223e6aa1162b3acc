package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.GloraSpec;
import dev.glora.search.Limits;
import dev.glora.search.ParameterCount;
import dev.glora.search.SearchSpace;
import dev.glora.search.Site;
import dev.glora.search.Structure;
import dev.glora.search.SupportTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GivenStructureTest {
  private static final List<Site> SITES =
      List.of(
          new Site("query", 6, 4, true, Set.of()),
          new Site("key", 6, 4, true, Set.of(SupportTensor.C, SupportTensor.D, SupportTensor.E)));

  @TempDir Path temp;

  private static GloraSpec spec(String... settings) {
    String yaml =
        """
        version: 1
        name: demo
        model: "local:/models/tiny"
        task: {source: "local:/data/tiny", domain: movies}
        methods: [{method: glora, recipe: published, ranks: [1, 2]}]
        """;
    return (GloraSpec)
        ExperimentReader.parse(yaml, "demo.yaml", List.of(settings)).methods().get(0);
  }

  private static SearchSpace space(GloraSpec spec) {
    return new SearchSpace(SITES, spec.ranks(), spec.forms(), spec.aProduct());
  }

  private static Structure structure(long seed, String... settings) {
    GloraSpec spec = spec(settings);
    SearchSpace space = space(spec);
    Limits limits =
        new Limits(space, ParameterCount.FOLDED, spec.minParameters(), spec.maxParameters());
    return GivenStructure.of(spec, space, limits, seed);
  }

  @Test
  void oneFormIsThatOfEverySiteButWhereItIsDead() {
    assertThat(structure(0, "methods.glora.structure={A: vector, B: lora, E: vector}").codes())
        .containsExactly(2, 4, 0, 0, 2, 2, 4, 0, 0, 0);
    assertThat(structure(0, "methods.glora.structure={B: lora-1}").codes())
        .containsExactly(0, 3, 0, 0, 0, 0, 3, 0, 0, 0);
  }

  @Test
  void fileOfARunGivesItsStructure() throws IOException {
    Structure written = new Structure(new byte[] {1, 3, 2, 0, 1, 0, 4, 0, 0, 0});
    Path file = temp.resolve("structure.json");
    Files.writeString(file, Json.pretty(written.toJson(space(spec()))));

    assertThat(structure(0, "methods.glora.structure={file: '" + file + "'}")).isEqualTo(written);

    Files.writeString(file, "{");
    assertThatThrownBy(() -> structure(0, "methods.glora.structure={file: '" + file + "'}"))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("structure.file is " + file + ", which is not JSON");
    assertThatThrownBy(() -> structure(0, "methods.glora.structure={file: '" + temp + "'}"))
        .hasMessageContaining("which is no file at");
  }

  @Test
  void randomOneFollowsTheSeedAndMeetsTheLimits() {
    String[] drawn = {"methods.glora.structure=random", "methods.glora.max_parameters=20"};
    SearchSpace space = space(spec());

    assertThat(structure(1, drawn)).isEqualTo(structure(1, drawn));
    assertThat(structure(1, drawn)).isNotEqualTo(structure(2, drawn));
    for (int seed = 0; seed < 20; seed++) {
      assertThat(space.count(structure(seed, drawn), ParameterCount.FOLDED)).isBetween(0L, 20L);
    }
  }

  @Test
  void structureOutsideOfSpaceOrLimitsIsRefused() {
    assertThatThrownBy(
            () ->
                structure(
                    0, "methods.glora.structure={B: vector}", "methods.glora.forms={B: [lora]}"))
        .hasMessageContaining("that is not of its space");
    assertThatThrownBy(() -> structure(0, "methods.glora.structure={B: lora-3}"))
        .hasMessageContaining("\"lora-3\" is unknown");
    assertThatThrownBy(
            () ->
                structure(
                    0, "methods.glora.structure={B: lora}", "methods.glora.max_parameters=39"))
        .hasMessageContaining("has a structure of 40 parameters, expected from 0 to 39");
  }
}
