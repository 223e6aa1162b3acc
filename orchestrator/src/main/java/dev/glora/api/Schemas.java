package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The JSON Schemas of the answers. They change by addition alone. */
final class Schemas {
  private static final JsonNode ALL = load();

  private Schemas() {}

  /**
   * The schema of a verb's document.
   *
   * @param verb the verb
   * @return JSON Schema 2020-12
   */
  static ObjectNode of(String verb) {
    if (!ALL.path("$defs").has(verb)) {
      throw GloraException.usage("The answer of \"" + verb + "\" has no schema.");
    }
    ObjectNode schema = ALL.deepCopy();
    return schema.put("title", "glora " + verb + " --json").put("$ref", "#/$defs/" + verb);
  }

  private static JsonNode load() {
    try (InputStream in = Schemas.class.getResourceAsStream("answers.schema.json")) {
      return Json.MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException("The schemas in the jar cannot be read", e);
    }
  }
}
