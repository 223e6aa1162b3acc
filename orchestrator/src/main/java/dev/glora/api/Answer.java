package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.ExitCode;

/**
 * What came of a call, for programs and for people.
 *
 * @param code how a command that got this answer ends
 * @param json the answer as one document
 * @param text the answer for a terminal, each line ended
 */
public record Answer(ExitCode code, JsonNode json, String text) {

  /**
   * Answers of work that is done.
   *
   * @param json the answer as one document
   * @param text the answer for a terminal
   * @return an answer with {@link ExitCode#DONE}
   */
  public static Answer of(JsonNode json, String text) {
    return new Answer(ExitCode.DONE, json, text);
  }

  /**
   * Reads one value of the document.
   *
   * @param pointer where it stands, as a JSON Pointer, such as {@code /metrics/test/accuracy}
   * @return the value, or a missing node
   */
  public JsonNode at(String pointer) {
    return json.at(pointer);
  }
}
