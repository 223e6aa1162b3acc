package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Differences;
import dev.glora.Differences.Difference;
import dev.glora.Json;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What differs between two runs, or between two structures. */
public final class Comparison {
  private static final List<String> TENSORS = List.of("A", "B", "C", "D", "E");

  private final ObjectNode document;

  private Comparison(ObjectNode document) {
    this.document = document;
  }

  /**
   * Compares two runs.
   *
   * @param first a document, see {@link RunDocument}
   * @param second another one
   * @return the comparison
   */
  public static Comparison ofRuns(JsonNode first, JsonNode second) {
    ObjectNode document = names(first.path("run").asText(), second.path("run").asText());
    document.set("configuration", list(first.path("configuration"), second.path("configuration")));
    document.set("environment", list(first.path("environment"), second.path("environment")));
    document.put(
        "same_fingerprint",
        first.path("environment").path("fingerprint").isTextual()
            && first
                .path("environment")
                .path("fingerprint")
                .equals(second.path("environment").path("fingerprint")));
    document.set("metrics", metrics(first, second));
    document.set("parameters", list(first.path("parameters"), second.path("parameters")));
    document.set("digests", list(digests(first), digests(second)));
    document.set("structure", structure(first.path("structure"), second.path("structure")));
    return new Comparison(document);
  }

  /**
   * Compares two structures.
   *
   * @param name what the first is called
   * @param first its JSON, with {@code sites}
   * @param otherName what the second is called
   * @param second its JSON, with {@code sites}
   * @return the comparison
   */
  public static Comparison ofStructures(
      String name, JsonNode first, String otherName, JsonNode second) {
    ObjectNode document = names(name, otherName);
    document.set("structure", structure(first, second));
    return new Comparison(document);
  }

  private static ObjectNode names(String first, String second) {
    ObjectNode document = Json.object();
    document.putArray("compared").add(first).add(second);
    return document;
  }

  private static ArrayNode list(JsonNode first, JsonNode second) {
    ArrayNode list = Json.array();
    for (Difference each : Differences.of(first, second)) {
      ObjectNode entry = list.addObject().put("key", each.path());
      entry.set("first", orNull(each.first()));
      entry.set("second", orNull(each.second()));
    }
    return list;
  }

  private static ObjectNode digests(JsonNode run) {
    ObjectNode digests = Json.object();
    run.path("finals")
        .forEach(last -> digests.set(last.path("mode").asText(), last.path("digests")));
    return digests;
  }

  /** Every number of every final, equal ones too: they are few, and equality is a result. */
  private static ArrayNode metrics(JsonNode first, JsonNode second) {
    ObjectNode one = numbers(first);
    ObjectNode two = numbers(second);
    Set<String> keys = new TreeSet<>();
    one.fieldNames().forEachRemaining(keys::add);
    two.fieldNames().forEachRemaining(keys::add);
    ArrayNode list = Json.array();
    for (String key : keys) {
      JsonNode a = one.path(key);
      JsonNode b = two.path(key);
      ObjectNode entry = list.addObject().put("key", key);
      entry.set("first", orNull(a));
      entry.set("second", orNull(b));
      if (a.isNumber() && b.isNumber()) {
        entry.put("difference", b.doubleValue() - a.doubleValue());
      } else {
        entry.putNull("difference");
      }
    }
    return list;
  }

  private static ObjectNode numbers(JsonNode run) {
    ObjectNode numbers = Json.object();
    for (JsonNode last : run.path("finals")) {
      for (var split : last.path("metrics").properties()) {
        for (var metric : split.getValue().properties()) {
          numbers.set(
              last.path("mode").asText() + "." + split.getKey() + "." + metric.getKey(),
              metric.getValue());
        }
      }
    }
    return numbers;
  }

  private static JsonNode structure(JsonNode first, JsonNode second) {
    if (!first.path("sites").isArray() && !second.path("sites").isArray()) {
      return Json.MAPPER.nullNode();
    }
    Map<String, JsonNode> ones = sites(first);
    Map<String, JsonNode> others = sites(second);
    Set<String> names = new LinkedHashSet<>(ones.keySet());
    names.addAll(others.keySet());
    ObjectNode result = Json.object();
    ArrayNode differing = Json.array();
    int same = 0;
    for (String name : names) {
      for (String tensor : TENSORS) {
        String a = form(ones.get(name), tensor);
        String b = form(others.get(name), tensor);
        if (a != null && a.equals(b)) {
          same++;
        } else {
          differing
              .addObject()
              .put("site", name)
              .put("tensor", tensor)
              .put("first", a)
              .put("second", b);
        }
      }
    }
    result.put("same", same).put("different", differing.size());
    result.set("sites", differing);
    return result;
  }

  private static Map<String, JsonNode> sites(JsonNode structure) {
    Map<String, JsonNode> sites = new LinkedHashMap<>();
    structure.path("sites").forEach(site -> sites.put(site.path("name").asText(), site));
    return sites;
  }

  private static String form(JsonNode site, String tensor) {
    return site == null ? null : site.path(tensor).asText("none");
  }

  private static JsonNode orNull(JsonNode node) {
    return node.isMissingNode() ? Json.MAPPER.nullNode() : node;
  }

  /**
   * The comparison as a document.
   *
   * @return {@code {compared, configuration, environment, same_fingerprint, metrics, parameters,
   *     digests, structure}}; of structures {@code {compared, structure}}
   */
  public ObjectNode json() {
    return document.deepCopy();
  }

  /**
   * Writes for a terminal.
   *
   * @return several lines
   */
  public String text() {
    StringBuilder out = new StringBuilder();
    out.append("1: ").append(document.path("compared").path(0).asText()).append('\n');
    out.append("2: ").append(document.path("compared").path(1).asText()).append('\n');
    if (document.has("configuration")) {
      part(out, "Configuration", "configuration");
      part(out, "Environment", "environment");
      metrics(out);
      part(out, "Parameters", "parameters");
      part(out, "Digests", "digests");
    }
    JsonNode structure = document.path("structure");
    if (structure.isObject()) {
      out.append("\nStructure: ")
          .append(Numbers.count(structure.path("different")))
          .append(" of ")
          .append(
              Numbers.count(structure.path("different").asLong() + structure.path("same").asLong()))
          .append(" genes differ\n");
      TextTable table = new TextTable(4, "site", "tensor", "1", "2");
      structure
          .path("sites")
          .forEach(
              each ->
                  table.row(
                      List.of(
                          each.path("site").asText(),
                          each.path("tensor").asText(),
                          each.path("first").asText(Numbers.NONE),
                          each.path("second").asText(Numbers.NONE))));
      out.append(table.isEmpty() ? "" : table.text());
    }
    return out.toString();
  }

  private void part(StringBuilder out, String title, String key) {
    out.append('\n').append(title);
    JsonNode list = document.path(key);
    if (list.isEmpty()) {
      out.append(": equal\n");
      return;
    }
    out.append('\n');
    TextTable table = new TextTable(3, "key", "1", "2");
    for (JsonNode each : list) {
      table.row(
          List.of(
              each.path("key").asText(), value(each.path("first")), value(each.path("second"))));
    }
    out.append(table.text());
  }

  private void metrics(StringBuilder out) {
    out.append("\nMetrics\n");
    TextTable table = new TextTable(1, "metric", "1", "2", "2 − 1");
    for (JsonNode each : document.path("metrics")) {
      table.row(
          List.of(
              each.path("key").asText(),
              Numbers.fixed(each.path("first"), 4),
              Numbers.fixed(each.path("second"), 4),
              each.path("difference").isNumber()
                  ? String.format(Locale.ROOT, "%+.4f", each.path("difference").doubleValue())
                  : Numbers.NONE));
    }
    out.append(table.isEmpty() ? "none\n" : table.text());
  }

  /** A value on a line; digests by their first digits. */
  private static String value(JsonNode value) {
    if (value.isNull()) {
      return Numbers.NONE;
    }
    String text = value.isTextual() ? value.textValue() : Json.text(value);
    if (text.matches("[0-9a-f]{64}")) {
      return text.substring(0, 12) + "…";
    }
    int most = 40;
    return text.codePointCount(0, text.length()) <= most
        ? text
        : text.substring(0, text.offsetByCodePoints(0, most - 1)) + "…";
  }
}
