package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The text of an experiment on one's own data: the settings, and why each was guessed so. */
final class ExperimentDraft {
  static final String IMAGE = "image";
  static final String CONVERSATIONS = "conversations";

  private static final int MOST_SHOWN = 6;

  private ExperimentDraft() {}

  /**
   * Writes the experiment.
   *
   * @param data the table, or where the pictures are
   * @param model source of the model
   * @param guess what {@code glora.data.guess} found
   */
  static String of(Path data, String model, JsonNode guess) {
    return head(data, model, guess) + task(data, guess) + training(guess) + methods(guess);
  }

  private static String head(Path data, String model, JsonNode guess) {
    return String.format(
        Locale.ROOT,
        """
        # An experiment on %s, drafted by glora init: %s.
        # Every value is a proposal; docs/experiment-file.md explains them all.
        #   glora run THIS-FILE                    runs it, or goes on with it
        #   glora run THIS-FILE seeds=[0,1,2]      with three seeds
        #   glora predict RUN --input %s
        version: 1
        name: %s
        seeds: [0]

        model: %s

        """,
        data.getFileName(),
        rows(guess),
        switch (kind(guess)) {
          case IMAGE -> "PICTURES     says the class of a folder of new pictures";
          case CONVERSATIONS -> "QUESTIONS    lets the merged model answer new instructions";
          default -> "NEW-ROWS     scores new rows with the merged model";
        },
        name(data),
        text(model));
  }

  private static String task(Path data, JsonNode guess) {
    StringBuilder out = new StringBuilder("task:\n");
    out.append("  source: ").append(text("local:" + data)).append('\n');
    out.append("  domain: ").append(name(data));
    out.append("              # the task's name in tables and reports\n");
    switch (kind(guess)) {
      case IMAGE -> {
        if (!guess.path("normalisation").asText().equals("weights")) {
          setting(
              out,
              "normalisation",
              guess.path("normalisation"),
              "the model's folder does not say what its weights want; half is the other usual one");
        }
        out.append("  # Equal pictures count once, and not at all where their classes differ.");
      }
      case CONVERSATIONS -> {
        setting(out, "format", guess.path("format"), "");
        setting(out, "template", guess.path("template"), "how a conversation is written");
        out.append("  packing: true           # short conversations of train share a row\n");
        out.append("  # Equal conversations count once.");
      }
      default -> {
        out.append(columns(guess));
        if (guess.has("prompt")) {
          setting(out, "prompt", guess.path("prompt"), "");
          setting(out, "label_words", guess.path("label_words"), "one token each");
        }
        out.append(
            "  # Texts that are equal count once, and not at all where their labels differ.");
      }
    }
    JsonNode split = guess.path("split");
    out.append(" The split's seed is the data's.\n");
    out.append(
        String.format(
            Locale.ROOT,
            "  split: {train: %d, val: %d, test: %d, seed: 17%s}      # %s%n",
            split.path("train").asLong(),
            split.path("val").asLong(),
            split.path("test").asLong(),
            guess.path("stratified").asBoolean() ? ", stratified: true" : "",
            splits(guess)));
    if (guess.has("max_length")) {
      out.append(
          String.format(
              Locale.ROOT,
              "  max_length: %d          # tokens; half of the texts have at most %d, 95 %% at most"
                  + " %d: %.1f %% are cut%n",
              guess.path("max_length").asLong(),
              guess.at("/tokens/median").asLong(),
              guess.at("/tokens/p95").asLong(),
              100 * guess.path("cut").asDouble()));
    }
    return out.toString();
  }

  private static String training(JsonNode guess) {
    long steps = guess.path("steps").asLong();
    long batch = guess.path("batch_size").asLong();
    return String.format(
        Locale.ROOT,
        """

        # What every method shares: the same steps and batches. %d steps are %.1f passes over train.
        training:
          steps: %d
          batch_size: %d
          learning_rate: %s
          warmup_steps: %d
          final_learning_rate: 0.0

        """,
        steps,
        (double) steps * batch / guess.at("/split/train").asLong(),
        steps,
        batch,
        language(guess) ? "5.0e-4\n  eval_batch_size: 25" : "1.0e-3",
        Math.max(1, steps / 20));
  }

  private static String methods(JsonNode guess) {
    return String.format(
        Locale.ROOT,
        """
        methods:
        %s  - method: lora
            rank: %d

          # The recipe swift, which divides the steps above between the largest structure and the one that is found.
          - method: glora
            max_parameters: %d          # as many as LoRA has
            final: [inherit, finetune]
            primary: finetune           # declared before test is opened
        """,
        // A language model's head is pre-trained and stays.
        language(guess)
            ? ""
            : "  - method: head\n    learning_rates: [1.0e-3, 3.0e-3, 1.0e-2, 3.0e-2]   # the best on"
                + " val\n\n",
        guess.path("lora_rank").asLong(),
        guess.path("lora_parameters").asLong());
  }

  /** What was looked at, for people. */
  static String rows(JsonNode guess) {
    long rows = guess.path("rows").asLong();
    long different = guess.path("texts").asLong();
    return switch (kind(guess)) {
      case IMAGE -> rows + " pictures, " + different + " different ones with a clear class";
      case CONVERSATIONS ->
          rows + " conversations, " + different + " different ones with an answer";
      default -> rows + " rows, " + different + " different texts with a clear label";
    };
  }

  /** What the data are: {@code text}, {@code language}, {@link #IMAGE}, {@link #CONVERSATIONS}. */
  static String kind(JsonNode guess) {
    return guess.path("kind").asText();
  }

  private static boolean language(JsonNode guess) {
    return kind(guess).equals("language") || kind(guess).equals(CONVERSATIONS);
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
