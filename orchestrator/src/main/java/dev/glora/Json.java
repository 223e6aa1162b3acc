package dev.glora;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** JSON as the product reads, writes and digests it. */
public final class Json {
  /**
   * Reads and writes JSON. The fast double writer is chosen because its shortest form does not
   * depend on the JDK, as that of {@link Double#toString} does.
   */
  public static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .build();

  /** Stands for something that is not there. */
  public static final JsonNode MISSING = MissingNode.getInstance();

  private Json() {}

  /**
   * Makes a number.
   *
   * @param value a finite number
   * @return its node
   */
  public static JsonNode number(double value) {
    return DoubleNode.valueOf(value);
  }

  /**
   * Makes an empty object.
   *
   * @return an object that keeps the order of its keys
   */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /**
   * Makes an empty array.
   *
   * @return an array
   */
  public static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  /**
   * Writes on one line.
   *
   * @param value any JSON
   * @return its text, keys in their own order
   */
  public static String text(JsonNode value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A JSON tree could not be written", e);
    }
  }

  /**
   * Writes for people.
   *
   * @param value any JSON
   * @return its text, indented
   */
  public static String pretty(JsonNode value) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A JSON tree could not be written", e);
    }
  }

  /**
   * Reads a text that this product wrote.
   *
   * @param text JSON
   * @return the tree
   */
  public static JsonNode parse(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw GloraException.failed(
          "A stored record is not JSON ("
              + e.getOriginalMessage()
              + "), so the store is damaged; restore it from a copy or move it away.",
          e);
    }
  }

  /**
   * Reads a text that may be damaged.
   *
   * @param text perhaps JSON
   * @return the object in it, or nothing where there is none
   */
  public static Optional<ObjectNode> object(String text) {
    try {
      return MAPPER.readTree(text) instanceof ObjectNode found
          ? Optional.of(found)
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /**
   * Sorts the keys of every object.
   *
   * @param value any JSON
   * @return an equal tree in canonical order
   */
  public static JsonNode sorted(JsonNode value) {
    if (value.isObject()) {
      List<String> names = new ArrayList<>();
      value.fieldNames().forEachRemaining(names::add);
      Collections.sort(names);
      ObjectNode out = JsonNodeFactory.instance.objectNode();
      for (String name : names) {
        out.set(name, sorted(value.get(name)));
      }
      return out;
    }
    if (value.isArray()) {
      ArrayNode out = JsonNodeFactory.instance.arrayNode();
      value.forEach(item -> out.add(sorted(item)));
      return out;
    }
    return value;
  }

  /**
   * Writes in the one form that is digested: sorted keys, no spaces.
   *
   * @param value any JSON
   * @return its canonical text
   */
  public static String canonical(JsonNode value) {
    return text(sorted(value));
  }

  /**
   * Digests the canonical text.
   *
   * @param value any JSON
   * @return SHA-256 in lower-case hexadecimal
   */
  public static String digest(JsonNode value) {
    return sha256(canonical(value));
  }

  /**
   * Digests a text in UTF-8.
   *
   * @param text any text
   * @return SHA-256 in lower-case hexadecimal
   */
  public static String sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }
}
