package dev.glora.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.util.Set;
import java.util.TreeSet;

/** Answers against the schemas that are published for them. */
public final class AnswerSchema {
  private AnswerSchema() {}

  /**
   * Checks an answer.
   *
   * @param verb the verb that gives it
   * @param answer what it gave
   * @return the same
   */
  public static Answer checked(String verb, Answer answer) {
    assertThat(wrong(Schemas.of(verb), answer.json())).as(verb + answer.json()).isEmpty();
    return answer;
  }

  /**
   * Says what a schema finds wrong.
   *
   * @param schema a JSON Schema
   * @param document the document
   * @return a sentence for each
   */
  public static Set<String> wrong(JsonNode schema, JsonNode document) {
    Set<String> wrong = new TreeSet<>();
    for (ValidationMessage each :
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(schema)
            .validate(document)) {
      wrong.add(each.getMessage());
    }
    return wrong;
  }
}
