package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The text of an experiment on one's own table: the settings, and why each was guessed so. */
final class ExperimentDraft {
  private static final int MOST_SHOWN = 6;

  private ExperimentDraft() {}

  /**
   * Writes the experiment.
   *
   * @param table the data
   * @param model source of the model
   * @param guess what {@code glora.data.guess} found
   */
  static String of(Path table, String model, JsonNode guess) {
    JsonNode split = guess.path("split");
    JsonNode tokens = guess.path("tokens");
    long budget = guess.path("lora_parameters").asLong();
    long steps = guess.path("steps").asLong();
    long supernet = Math.max(1, steps * 3 / 5);
    return String.format(
        Locale.ROOT,
        """
        # An experiment on %s, drafted by glora init: %d rows, %d different
        # texts with a clear label. Every value is a proposal; docs/experiment-file.md explains them all.
        #   glora run THIS-FILE                    runs it, or goes on with it
        #   glora run THIS-FILE seeds=[0,1,2]      with three seeds
        #   glora predict RUN --input NEW-ROWS     scores new rows with the merged model
        version: 1
        name: %s
        seeds: [0]

        model: %s

        task:
          source: %s
          domain: %s              # the task's name in tables and reports
        %s  # Texts that are equal count once, and not at all where their labels differ. The split's seed is the data's.
          split: {train: %d, val: %d, test: %d, seed: 17%s}      # %s
          max_length: %d          # tokens; half of the texts have at most %d, 95 %% at most %d: %.1f %% are cut

        # What every method shares: the same steps and batches. %d steps are %.1f passes over train.
        training:
          steps: %d
          batch_size: %d
          learning_rate: 1.0e-3
          warmup_steps: %d
          final_learning_rate: 0.0

        methods:
          - method: head
            learning_rates: [1.0e-3, 3.0e-3, 1.0e-2, 3.0e-2]   # the best on val

          - method: lora
            rank: %d

          - method: glora
            ranks: [1, 2, 3, 4, 5, 6, 7, 8]
            forms: {A: [none], B: [none, lora], C: [none], D: [none], E: [none, vector]}
            max_parameters: %d          # as many as LoRA has
            count: folded
            supernet:
              training: {steps: %d}
              sampling: {largest_steps: %d}
            search: {start: taylor, population: 12, generations: 3, parents: 4, mutations: 6, crossovers: 6, fitness: loss}
            final: [inherit, finetune]
            primary: finetune           # declared before test is opened
            finetune: {steps: %d, learning_rate: 5.0e-4}
        """,
        table.getFileName(),
        guess.path("rows").asLong(),
        guess.path("texts").asLong(),
        name(table),
        text(model),
        text("local:" + table),
        name(table),
        columns(guess),
        split.path("train").asLong(),
        split.path("val").asLong(),
        split.path("test").asLong(),
        guess.path("stratified").asBoolean() ? ", stratified: true" : "",
        splits(guess),
        guess.path("max_length").asLong(),
        tokens.path("median").asLong(),
        tokens.path("p95").asLong(),
        100 * guess.path("cut").asDouble(),
        steps,
        (double) steps * guess.path("batch_size").asLong() / split.path("train").asLong(),
        steps,
        guess.path("batch_size").asLong(),
        Math.max(1, steps / 20),
        guess.path("lora_rank").asLong(),
        budget,
        supernet,
        supernet,
        Math.max(1, steps - supernet));
  }

  /** The task's settings that name columns, a line each. */
  private static String columns(JsonNode guess) {
    StringBuilder out = new StringBuilder();
    setting(out, "text_column", guess.path("text_column"), "");
    setting(out, "pair_column", guess.path("pair_column"), "the second text of each pair");
    setting(out, "label_column", guess.path("label_column"), labels(guess));
    setting(out, "split_column", guess.path("split_column"), "");
    if (!guess.path("target").asText().equals("class")) {
      setting(out, "target", guess.path("target"), "");
    }
    if (guess.path("target").asText().equals("labels")) {
      setting(out, "label_separator", guess.path("label_separator"), "");
    }
    return out.toString();
  }

  private static void setting(StringBuilder out, String name, JsonNode value, String comment) {
    if (!value.isNull()) {
      out.append("  ").append(name).append(": ").append(Json.text(value));
      out.append(comment.isEmpty() ? "" : "        # " + comment).append('\n');
    }
  }

  private static String labels(JsonNode guess) {
    JsonNode numbers = guess.path("numbers");
    return guess.path("target").asText().equals("number")
        ? String.format(
            Locale.ROOT,
            "numbers from %.4g to %.4g",
            numbers.path("least").asDouble(),
            numbers.path("greatest").asDouble())
        : "classes: " + classes(guess);
  }

  /** The columns of the texts, for people. */
  static String texts(JsonNode guess) {
    String first = "column " + text(guess.path("text_column").asText());
    return guess.path("pair_column").isTextual()
        ? "pairs of " + first + " and column " + text(guess.path("pair_column").asText())
        : first;
  }

  /** The columns of the labels, for people. */
  static String labelColumn(JsonNode guess) {
    JsonNode column = guess.path("label_column");
    if (column.isTextual()) {
      return text(column.asText());
    }
    List<String> names = new ArrayList<>();
    column.forEach(each -> names.add(text(each.asText())));
    return String.join(", ", names);
  }

  /** How the splits come about, for people. */
  static String splits(JsonNode guess) {
    if (guess.path("given").isEmpty()) {
      return guess.path("stratified").asBoolean()
          ? "drawn, with the classes in the data's proportions"
          : "drawn";
    }
    List<String> given = new ArrayList<>();
    guess.path("given").fieldNames().forEachRemaining(given::add);
    return "given: "
        + String.join(", ", given)
        + (given.size() < 3 ? "; the others are drawn from train" : "");
  }

  /** The classes with their counts on one line, the first ones where there are many. */
  static String classes(JsonNode guess) {
    StringBuilder out = new StringBuilder();
    int shown = 0;
    for (Map.Entry<String, JsonNode> each : guess.path("classes").properties()) {
      if (shown < MOST_SHOWN) {
        out.append(shown++ == 0 ? "" : ", ").append(oneLine(each.getKey()));
        out.append(" (").append(each.getValue().asLong()).append(')');
      }
    }
    int more = guess.path("classes").size() - shown;
    return more > 0 ? out + " and " + more + " more" : out.toString();
  }

  private static String oneLine(String label) {
    String line = label.replaceAll("\\s+", " ");
    return line.length() > 30 ? line.substring(0, 30) + "…" : line;
  }

  /** A name for runs and files, made of the table's. */
  private static String name(Path table) {
    String bare =
        table
            .getFileName()
            .toString()
            .replaceFirst("\\.[^.]*$", "")
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9]+", "-")
            .replaceAll("^-+|-+$", "");
    return bare.isEmpty() ? "own-data" : bare.substring(0, Math.min(bare.length(), 40));
  }

  /** A string as YAML, quoted as JSON is. */
  private static String text(String value) {
    return Json.MAPPER.getNodeFactory().textNode(value).toString();
  }
}
