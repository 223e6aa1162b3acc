package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.data.Derived;
import dev.glora.experiment.GloraSpec;
import dev.glora.search.Form;
import dev.glora.search.Limits;
import dev.glora.search.SearchSpace;
import dev.glora.search.Structure;
import dev.glora.search.SupportTensor;
import java.io.IOException;

/**
 * The structure that an experiment gives in place of a search: drawn at random within the limits,
 * one form of each tensor for all sites, or site by site from a file such as a run's {@code
 * structure.json}.
 */
final class GivenStructure {
  private GivenStructure() {}

  /**
   * Reads the structure.
   *
   * @param spec a method with a structure
   * @param space its space
   * @param limits its limits
   * @param seed root seed of the run, for a random one
   * @return a structure of the space within the limits
   * @throws GloraException if it is neither of the space nor within the limits
   */
  static Structure of(GloraSpec spec, SearchSpace space, Limits limits, long seed) {
    JsonNode given = spec.structure();
    if (given.isTextual()) {
      return limits.draw(Derived.random(seed, "structure/random", 0));
    }
    Structure structure =
        given.has("source") ? Structure.fromJson(document(given), space) : everywhere(given, space);
    if (!space.contains(structure)) {
      throw GloraException.usage(
          "The method "
              + spec.label()
              + " has a structure that is not of its space, expected forms and ranks that `forms`"
              + " and `ranks` allow: add them there.");
    }
    if (!limits.allow(structure)) {
      throw GloraException.usage(
          "The method "
              + spec.label()
              + " has a structure of "
              + space.count(structure, limits.count())
              + " parameters, expected from "
              + limits.min()
              + " to "
              + limits.max()
              + ": change min_parameters or max_parameters, or the structure.");
    }
    return structure;
  }

  private static JsonNode document(JsonNode given) {
    try {
      return Json.MAPPER.readTree(given.get("source").textValue());
    } catch (IOException e) {
      throw new GloraException(
          ExitCode.USAGE,
          "structure.file is "
              + given.path("file").asText()
              + ", which is not JSON, expected a structure such as a run's structure.json.",
          e);
    }
  }

  /** Where a tensor is dead, its form makes no difference, and none is the one without entries. */
  private static Structure everywhere(JsonNode forms, SearchSpace space) {
    byte[] codes = new byte[space.genes()];
    for (int gene = 0; gene < codes.length; gene++) {
      String form = forms.path(SupportTensor.at(gene % SupportTensor.COUNT).name()).asText("none");
      String named =
          form.equals("lora") ? "lora-" + space.ranks().get(space.ranks().size() - 1) : form;
      codes[gene] = Form.code(named, space.ranks());
    }
    return new Structure(codes).canonical(space);
  }
}
