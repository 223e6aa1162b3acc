package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonRuntime;
import dev.glora.files.AtomicFile;
import dev.glora.report.RunDocument;
import dev.glora.store.RunRow;
import dev.glora.store.RunStore;
import dev.glora.train.ModelSession;
import dev.glora.train.PythonCalls;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** One's own data: an experiment made for them, and new rows scored with what came of it. */
final class OwnData {
  /** That of an experiment which names none. */
  private static final int DEFAULT_THREADS = 2;

  private final Settings settings;

  OwnData(Settings settings) {
    this.settings = settings;
  }

  /**
   * Writes a commented experiment for a table, pictures, or instructions and their answers.
   *
   * @param data the table, a folder of tables, a folder or list of pictures, or JSON
   * @param model source of the model
   * @param output the experiment file, which must not be there
   * @param columns what is known of the table
   */
  Answer init(Path data, String model, Path output, DataColumns columns) {
    if (Files.exists(output)) {
      throw GloraException.usage(
          output + " is there already; name another file with --output, or remove it.");
    }
    Path table = data.toAbsolutePath().normalize();
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("model", model);
    request.put("data", table.toString());
    request.put("cache", settings.cache().toString());
    request.put("text_column", columns.text().orElse(null));
    request.put("pair_column", columns.pair().orElse(null));
    request.put("label_column", columns.label().orElse(null));
    request.put("target", columns.target().orElse(null));
    JsonNode guess = call("guess", DEFAULT_THREADS, request);
    AtomicFile.write(output, ExperimentDraft.of(table, model, guess));
    ObjectNode answer = Json.object().put("experiment", output.toString());
    answer.set("guess", guess);
    return Answer.of(answer, said(guess, output));
  }

  private static String said(JsonNode guess, Path output) {
    StringBuilder out = new StringBuilder(ExperimentDraft.rows(guess)).append('\n');
    String kind = ExperimentDraft.kind(guess);
    if (kind.equals(ExperimentDraft.IMAGE)) {
      JsonNode size = guess.path("size");
      line(
          out,
          "pictures",
          "to %d × %d pixels, %d channels, normalised by %s",
          size.path("height").asLong(),
          size.path("width").asLong(),
          size.path("channels").asLong(),
          guess.path("normalisation").asText());
      line(out, "classes", "%d: %s", guess.path("classes").size(), ExperimentDraft.classes(guess));
    } else {
      JsonNode tokens = guess.path("tokens");
      line(
          out,
          "texts",
          "%s, %d tokens in the median, the longest %d",
          kind.equals(ExperimentDraft.CONVERSATIONS)
              ? "format "
                  + guess.path("format").asText()
                  + ", template "
                  + guess.path("template").asText()
              : ExperimentDraft.texts(guess),
          tokens.path("median").asLong(),
          tokens.path("longest").asLong());
      if (!kind.equals(ExperimentDraft.CONVERSATIONS)) {
        out.append(labels(guess)).append('\n');
      }
      if (guess.has("prompt")) {
        line(
            out,
            "prompt",
            "%s, a class is one of the words %s",
            Json.text(guess.path("prompt")),
            Json.text(guess.path("label_words")));
      }
    }
    JsonNode split = guess.path("split");
    line(
        out,
        "splits",
        "%d train, %d val, %d test, %s",
        split.path("train").asLong(),
        split.path("val").asLong(),
        split.path("test").asLong(),
        ExperimentDraft.splits(guess));
    if (guess.has("max_length")) {
      line(
          out,
          "length",
          "%d tokens, which cuts %.1f %% of the texts",
          guess.path("max_length").asLong(),
          100 * guess.path("cut").asDouble());
    }
    line(
        out,
        "budget",
        "%d adapter parameters, those of LoRA with r = %d",
        guess.path("lora_parameters").asLong(),
        guess.path("lora_rank").asLong());
    return out.append("\nWrote ")
        .append(output)
        .append(". Look it over, then: glora run ")
        .append(output)
        .append('\n')
        .toString();
  }

  private static void line(StringBuilder out, String name, String format, Object... values) {
    out.append(String.format(Locale.ROOT, "%-9s", name));
    out.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /**
   * Scores new rows with the merged model of a run's primary final.
   *
   * @param store the store of the run
   * @param row the run
   * @param input a table, or plain text with a row a line; of a model of images a folder, a list or
   *     a picture; of one that was taught answers its questions
   * @param output where to
   * @param columns the columns with the texts, empty for the run's own
   */
  Answer predict(RunStore store, RunRow row, Path input, Path output, DataColumns columns) {
    if (output.toAbsolutePath().normalize().equals(input.toAbsolutePath().normalize())) {
      throw GloraException.usage(
          "The output " + output + " is the input, which would be lost; name another file.");
    }
    JsonNode task = row.resolved().path("task");
    Path model = model(store, row);
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("model_path", model.toString());
    request.put("input", input.toAbsolutePath().toString());
    request.put("output", output.toAbsolutePath().toString());
    request.put(
        "text_column", columns.text().orElseGet(() -> task.path("text_column").asText("text")));
    request.put(
        "pair_column", columns.pair().orElseGet(() -> task.path("pair_column").textValue()));
    request.put("label_separator", task.path("label_separator").textValue());
    request.put("max_length", task.path("max_length").longValue());
    if (task.path("prompt").isTextual()) {
      request.put("prompt", task.path("prompt").textValue());
      JsonNode words = task.path("label_words");
      request.put("label_words", words.isObject() ? ModelSession.plain(words) : null);
      request.put("labels", ModelSession.plain(store.sections(row.id()).at("/data/labels")));
    }
    request.put("form", task.path("format").textValue());
    request.put("template", task.path("template").textValue());
    ObjectNode answer =
        (ObjectNode)
            call("predict", row.resolved().at("/runtime/threads").asInt(DEFAULT_THREADS), request);
    long rows = answer.path("rows").asLong();
    long cut = answer.path("cut").asLong();
    answer.put("run", row.id()).put("model", model.toString()).put("output", output.toString());
    StringBuilder text = new StringBuilder();
    text.append(rows).append(rows == 1 ? " row scored" : " rows scored").append(" into ");
    text.append(output).append(": ");
    String kind = answer.path("kind").asText();
    if (kind.equals("answer")) {
      text.append(rows - cut).append(" answers ended within the run's ");
      text.append(task.path("max_length").asLong()).append(" tokens of a row, ");
      return Answer.of(answer, text.append(cut).append(" did not.\n").toString());
    }
    text.append(
        kind.equals("number") ? numbers(answer.path("numbers")) : counts(answer.path("counts")));
    text.append('\n');
    if (cut > 0) {
      text.append(cut)
          .append(cut == 1 ? " text was" : " texts were")
          .append(" longer than the run's ")
          .append(task.path("max_length").asLong())
          .append(" tokens and cut there.\n");
    }
    return Answer.of(answer, text.toString());
  }

  private static String labels(JsonNode guess) {
    String column = ExperimentDraft.labelColumn(guess);
    return switch (guess.path("target").asText()) {
      case "number" -> "numbers  column " + column + ", " + numbers(guess.path("numbers"));
      case "labels" ->
          "labels   "
              + (guess.path("label_column").isArray() ? "columns " : "column ")
              + column
              + ", any of "
              + guess.path("classes").size()
              + ": "
              + ExperimentDraft.classes(guess);
      default ->
          "labels   column "
              + column
              + ", "
              + guess.path("classes").size()
              + " classes: "
              + ExperimentDraft.classes(guess);
    };
  }

  private static String numbers(JsonNode numbers) {
    return String.format(
        Locale.ROOT,
        "%.4g to %.4g, %.4g in the mean",
        numbers.path("least").asDouble(),
        numbers.path("greatest").asDouble(),
        numbers.path("mean").asDouble());
  }

  private static String counts(JsonNode counts) {
    StringBuilder out = new StringBuilder();
    for (Map.Entry<String, JsonNode> each : counts.properties()) {
      if (each.getValue().asLong() > 0) {
        out.append(out.isEmpty() ? "" : ", ");
        out.append(each.getValue().asLong()).append(' ').append(each.getKey());
      }
    }
    return out.isEmpty() ? "no label" : out.toString();
  }

  private Path model(RunStore store, RunRow row) {
    for (JsonNode last : RunDocument.of(store, settings.runs(), row).path("finals")) {
      Path folder =
          settings
              .runs()
              .resolve(row.id())
              .resolve("final-" + last.path("mode").asText())
              .resolve("model");
      if (last.path("primary").asBoolean() && Files.isDirectory(folder)) {
        return folder.toAbsolutePath();
      }
    }
    throw GloraException.failed(
        "The run "
            + row.id()
            + " has no merged model in its folder; run it to its end (glora resume "
            + row.id()
            + ") first.");
  }

  private JsonNode call(String function, int threads, Map<String, Object> request) {
    try (PythonRuntime python = Execution.open(settings, threads)) {
      settings.pythonStarted().run();
      return Json.MAPPER.valueToTree(
          PythonCalls.await(python.call("glora.java", function, request)));
    }
  }
}
