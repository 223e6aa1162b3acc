package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The structure of a run as a table site × tensor. */
final class StructureTable {
  private static final List<String> TENSORS = List.of("A", "B", "C", "D", "E");

  private final JsonNode sites;

  StructureTable(JsonNode structure) {
    this.sites = structure.path("sites");
  }

  boolean isEmpty() {
    return !sites.isArray() || sites.isEmpty();
  }

  TextTable table() {
    TextTable table = new TextTable(6, "site", "A", "B", "C", "D", "E");
    String prefix = commonPrefix();
    for (JsonNode site : sites) {
      table.row(
          List.of(
              site.path("name").asText().substring(prefix.length()),
              form(site, "A"),
              form(site, "B"),
              form(site, "C"),
              form(site, "D"),
              form(site, "E")));
    }
    return table;
  }

  /** One line: how many sites have each form of each tensor. */
  String summary() {
    StringBuilder out = new StringBuilder();
    for (String tensor : TENSORS) {
      Map<String, Integer> forms = new TreeMap<>();
      sites.forEach(site -> forms.merge(site.path(tensor).asText("none"), 1, Integer::sum));
      out.append(out.length() == 0 ? "" : "; ").append(tensor).append(':');
      forms.forEach((form, n) -> out.append(' ').append(form).append(" × ").append(n).append(','));
      out.setLength(out.length() - 1);
    }
    return out.append('.').toString();
  }

  /** The path that all sites begin with, up to a dot. */
  String commonPrefix() {
    String prefix = null;
    for (JsonNode site : sites) {
      String name = site.path("name").asText();
      if (prefix == null) {
        prefix = name.substring(0, name.lastIndexOf('.') + 1);
      }
      while (!name.startsWith(prefix)) {
        int dot = prefix.lastIndexOf('.', prefix.length() - 2);
        prefix = prefix.substring(0, dot + 1);
      }
    }
    return prefix == null ? "" : prefix;
  }

  private static String form(JsonNode site, String tensor) {
    String form = site.path(tensor).asText("none");
    return form.equals("none") ? "·" : form;
  }
}
