package dev.glora.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.util.Arrays;
import java.util.Base64;

/** Which form each support tensor of each site has. Immutable; equal when the codes are equal. */
public final class Structure {
  private final byte[] codes;

  /**
   * Makes a structure of codes.
   *
   * @param codes [sites × 5], copied
   */
  public Structure(byte[] codes) {
    if (codes.length % SupportTensor.COUNT != 0) {
      throw new IllegalArgumentException(codes.length + " codes are no whole number of sites");
    }
    this.codes = codes.clone();
  }

  /**
   * Reads what {@link #base64} wrote.
   *
   * @param text Base64 of the codes
   * @return the structure
   */
  public static Structure ofBase64(String text) {
    return new Structure(Base64.getDecoder().decode(text));
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @param json the structure with form names
   * @param space the space it belongs to
   * @return the structure
   */
  public static Structure fromJson(JsonNode json, SearchSpace space) {
    JsonNode sites = json.path("sites");
    if (sites.size() != space.sites().size()) {
      throw GloraException.failed(
          "The structure has "
              + sites.size()
              + " sites and the model has "
              + space.sites().size()
              + ": it belongs to another model.");
    }
    byte[] codes = new byte[space.genes()];
    for (int s = 0; s < sites.size(); s++) {
      for (int t = 0; t < SupportTensor.COUNT; t++) {
        String form = sites.get(s).path(SupportTensor.at(t).name()).asText("none");
        codes[s * SupportTensor.COUNT + t] = Form.code(form, space.ranks());
      }
    }
    return new Structure(codes);
  }

  /**
   * The code of one gene.
   *
   * @param gene site × 5 + tensor
   * @return its code
   */
  public byte code(int gene) {
    return codes[gene];
  }

  /**
   * All codes.
   *
   * @return a copy, [sites × 5]
   */
  public byte[] codes() {
    return codes.clone();
  }

  /**
   * The same function without what has no effect: dead genes become none.
   *
   * @param space the space it belongs to
   * @return the canonical structure, this one where it already is
   */
  public Structure canonical(SearchSpace space) {
    byte[] result = codes.clone();
    for (int gene = 0; gene < result.length; gene++) {
      if (space.dead(gene)) {
        result[gene] = Form.NONE;
      }
    }
    return Arrays.equals(result, codes) ? this : new Structure(result);
  }

  /**
   * The digest of the canonical structure: ranks, and each site's name and forms.
   *
   * @param space the space it belongs to
   * @return SHA-256 in hexadecimal
   */
  public String digest(SearchSpace space) {
    Structure canonical = canonical(space);
    StringBuilder text =
        new StringBuilder("glora-structure/1 ").append(space.aProduct()).append('\n');
    for (int s = 0; s < space.sites().size(); s++) {
      text.append(space.sites().get(s).name());
      for (int t = 0; t < SupportTensor.COUNT; t++) {
        byte code = canonical.codes[s * SupportTensor.COUNT + t];
        text.append(' ').append(Form.name(code, space.ranks()));
      }
      text.append('\n');
    }
    return Json.sha256(text.toString());
  }

  /**
   * The structure with form names, for files and reports.
   *
   * @param space the space it belongs to
   * @return an object with what the Python package reads ({@code format}, {@code version}, {@code
   *     a_product}, {@code ranks}, {@code sites}), {@code codes} in Base64 and {@code digest}
   */
  public ObjectNode toJson(SearchSpace space) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("format", "glora-structure").put("version", 1).put("a_product", space.aProduct());
    var ranks = root.putArray("ranks");
    space.ranks().forEach(ranks::add);
    var sites = root.putArray("sites");
    for (int s = 0; s < space.sites().size(); s++) {
      ObjectNode site = sites.addObject().put("name", space.sites().get(s).name());
      for (int t = 0; t < SupportTensor.COUNT; t++) {
        byte code = codes[s * SupportTensor.COUNT + t];
        site.put(SupportTensor.at(t).name(), Form.name(code, space.ranks()));
      }
    }
    return root.put("codes", base64()).put("digest", digest(space));
  }

  /**
   * The codes as text.
   *
   * @return Base64, one byte per gene
   */
  public String base64() {
    return Base64.getEncoder().encodeToString(codes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Structure that && Arrays.equals(codes, that.codes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(codes);
  }

  @Override
  public String toString() {
    return Arrays.toString(codes);
  }
}
