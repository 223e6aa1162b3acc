package dev.glora.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The averages of VTAB-1k: of each group of tasks, of the three groups, and of the 19 tasks. Papers
 * print one of the last two and do not always say which, so both are given by name.
 */
final class VtabAverages {
  private static final Map<String, List<String>> GROUPS = new LinkedHashMap<>();

  static {
    GROUPS.put(
        "natural",
        List.of(
            "cifar",
            "caltech101",
            "dtd",
            "oxford_flowers102",
            "oxford_iiit_pet",
            "svhn",
            "sun397"));
    GROUPS.put(
        "specialized", List.of("patch_camelyon", "eurosat", "resisc45", "diabetic_retinopathy"));
    GROUPS.put(
        "structured",
        List.of(
            "clevr_count",
            "clevr_dist",
            "dmlab",
            "kitti",
            "dsprites_loc",
            "dsprites_ori",
            "smallnorb_azi",
            "smallnorb_ele"));
  }

  private VtabAverages() {}

  /**
   * Averages the rows of a table.
   *
   * @param rows rows of {@link ResultTable#json}
   * @return for each method and final whose rows have all 19 tasks: {@code label}, {@code final},
   *     the mean of each group, {@code mean_of_groups} and {@code mean_of_tasks}
   */
  static ArrayNode of(JsonNode rows) {
    Map<List<String>, Map<String, Double>> means = new LinkedHashMap<>();
    for (JsonNode row : rows) {
      means
          .computeIfAbsent(
              List.of(row.path("label").asText(), row.path("final").asText()),
              key -> new LinkedHashMap<>())
          .put(row.path("task").asText(), row.path("mean").doubleValue());
    }
    ArrayNode averages = Json.array();
    means.forEach(
        (key, tasks) -> {
          if (GROUPS.values().stream().allMatch(group -> tasks.keySet().containsAll(group))) {
            ObjectNode line =
                averages.addObject().put("label", key.get(0)).put("final", key.get(1));
            List<Double> groups = new ArrayList<>();
            List<Double> all = new ArrayList<>();
            GROUPS.forEach(
                (name, members) -> {
                  List<Double> own = members.stream().map(tasks::get).toList();
                  groups.add(Numbers.mean(own));
                  all.addAll(own);
                  line.put(name, Numbers.mean(own));
                });
            line.put("mean_of_groups", Numbers.mean(groups));
            line.put("mean_of_tasks", Numbers.mean(all));
          }
        });
    return averages;
  }

  /**
   * Words a line of {@link #of}.
   *
   * @param line the averages of a method
   * @return a sentence
   */
  static String sentence(JsonNode line) {
    StringBuilder text = new StringBuilder(line.path("label").asText());
    if (!line.path("final").asText().equals("train")) {
      text.append(' ').append(line.path("final").asText());
    }
    text.append(" on VTAB-1k:");
    for (String group : GROUPS.keySet()) {
      text.append(' ').append(group).append(' ').append(Numbers.fixed(line.path(group), 1));
      text.append(',');
    }
    return text.append(" mean of the three groups ")
        .append(Numbers.fixed(line.path("mean_of_groups"), 1))
        .append(", mean of the 19 tasks ")
        .append(Numbers.fixed(line.path("mean_of_tasks"), 1))
        .append('.')
        .toString();
  }
}
