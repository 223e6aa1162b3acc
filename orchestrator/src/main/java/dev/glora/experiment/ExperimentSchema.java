package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonNodePath;
import dev.glora.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The JSON Schema of experiment files: what editors complete from and errors are worded by. */
public final class ExperimentSchema {
  private static final JsonNode SCHEMA = load();

  private ExperimentSchema() {}

  /**
   * Returns the schema.
   *
   * @return JSON Schema 2020-12; every key has a description, a default unless it is required, and
   *     a range
   */
  public static JsonNode json() {
    return SCHEMA.deepCopy();
  }

  /** Finds the schema object that holds the keyword at a location. */
  static JsonNode parent(JsonNodePath keyword) {
    JsonNode at = SCHEMA;
    for (int i = 0; i < keyword.getNameCount() - 1; i++) {
      String name = keyword.getElement(i).toString();
      at = at.isArray() ? at.path(Integer.parseInt(name)) : at.path(name);
    }
    return at;
  }

  /** Follows a reference; what stands beside it wins. */
  static JsonNode definition(String name) {
    return SCHEMA.path("$defs").path(name);
  }

  static JsonNode root() {
    return SCHEMA;
  }

  private static JsonNode load() {
    try (InputStream in = ExperimentSchema.class.getResourceAsStream("experiment.schema.json")) {
      return Json.MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException("The schema in the jar cannot be read", e);
    }
  }
}
