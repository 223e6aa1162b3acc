package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The reference of experiment files, made from their schema: {@code docs/experiment-file.md}. */
public final class ExperimentPage {
  private static final String HEAD =
      """
      # The experiment file

      Made from the schema by `./glora schema --markdown > docs/experiment-file.md`.

      An experiment is a YAML file: a model, a task, the methods that adapt the one to the other, and seeds. Each
      method with each seed is a run. [The quickstart's](../experiments/quickstart.yaml) is one to begin with; a key
      that is left out has the default below.

      ## In an editor

      `./glora schema > experiment.schema.json` writes the schema; editors with a YAML language server (VS Code with
      the YAML extension, Neovim, Emacs, IntelliJ) complete and check a file that begins with

      ```yaml
      # yaml-language-server: $schema=experiment.schema.json
      ```

      The path is relative to the file. In a checkout the schema lies at
      `orchestrator/src/main/resources/dev/glora/experiment/experiment.schema.json`.

      ## What is laid over what

      1. The files that `extends` names, each with what it extends itself; of several the later one lies over the
         earlier one. A path is relative to the file that names it.
      2. The file itself.
      3. Settings of the command line: `./glora run FILE training.steps=100 methods.glora.max_parameters=80000`. A key
         is a path with dots; an entry of a list has its number, a method its label too. A value is YAML.
      4. The values of the `matrix`, a variant of the experiment for each combination.
      5. The defaults.

      In 1, 2 and 4 objects are merged key by key and everything else is replaced: lists, numbers, texts, and sources
      (`model`, `task.source`) as a whole. A setting of the command line always replaces; where it sets a key of the
      matrix, that key is not varied any more.

      ```yaml
      version: 1
      extends: base.yaml
      name: rates
      seeds: [0, 1, 2]
      matrix:
        task: [{domain: movies}, {domain: tweets}]
        training.learning_rate: [1.0e-3, 5.0e-4]
        methods.glora.max_parameters: [80000, 165888]
      ```

      A key below `methods` varies its own method alone; runs that do not differ are planned once. `./glora run FILE
      --dry-run` prints the plan: every run, whether it is done, to do, to be done again or goes on, why, and how long
      it may take by the runs that are finished already.

      ## What is refused

      The first thing wrong is told in one sentence, with file, line and column, and exit code 2: a key that is not
      known, a key that stands twice, a value of another type or out of its range, NaN and infinity, tags, several
      documents, aliases that contain themselves or grow beyond 20,000 values, nesting deeper than 40, text that is
      not UTF-8, and files over 1 MiB. Plain words mean what YAML 1.2's core schema says: `no` is a text, `010` is ten.

      ## Keys
      """;

  private final StringBuilder out = new StringBuilder(HEAD);
  private final Map<String, JsonNode> later = new LinkedHashMap<>();

  private ExperimentPage() {}

  /**
   * Writes the page.
   *
   * @return Markdown
   */
  public static String markdown() {
    return new ExperimentPage().write();
  }

  private String write() {
    JsonNode root = ExperimentSchema.root();
    section("", root);
    below();
    for (JsonNode method : root.at("/properties/methods/items/allOf")) {
      String name = method.at("/if/properties/method/const").asText();
      out.append("\n## Method `").append(name).append("`\n\n");
      JsonNode schema = ExperimentSchema.definition(name);
      out.append(schema.path("description").asText()).append("\n");
      section(name, schema);
      below();
    }
    return out.toString();
  }

  /** The objects that the tables before named, each once. */
  private void below() {
    while (!later.isEmpty()) {
      String name = later.keySet().iterator().next();
      JsonNode schema = later.remove(name);
      out.append("\n### `").append(name).append("`\n\n");
      out.append(schema.path("description").asText()).append("\n");
      section(name, schema);
    }
  }

  private void section(String name, JsonNode schema) {
    Set<String> required = required(schema);
    out.append("\n| key | type | default | |\n| --- | --- | --- | --- |\n");
    for (var property : schema.path("properties").properties()) {
      String key = property.getKey();
      JsonNode own = property.getValue();
      JsonNode kind = target(own);
      String path = name.isEmpty() ? key : name + "." + key;
      boolean shared = own.path("$ref").asText().equals("#/$defs/training");
      if (kind.path("properties").isObject() && !(shared && !name.isEmpty())) {
        later.put(path, kind);
      }
      JsonNode items = kind.path("items");
      if (items.has("additionalProperties") && items.path("properties").isObject()) {
        later.put(path, items);
      }
      out.append("| `")
          .append(key)
          .append("` | ")
          .append(cell(type(kind, shared && !name.isEmpty())))
          .append(" | ")
          .append(cell(required.contains(key) ? "required" : standard(own, kind)))
          .append(" | ")
          .append(cell(text(own, kind)))
          .append(" |\n");
    }
  }

  private static String text(JsonNode own, JsonNode kind) {
    return own.has("description")
        ? own.path("description").asText()
        : kind.path("description").asText();
  }

  private static String standard(JsonNode own, JsonNode kind) {
    String key = own.has("x-default") ? "x-default" : "default";
    JsonNode value = own.has(key) ? own.path(key) : kind.path(key);
    if (value.isMissingNode() || value.isNull() || (value.isObject() && value.isEmpty())) {
      return "";
    }
    return "`" + (value.isNumber() ? Words.number(value) : flow(value)) + "`";
  }

  private static String flow(JsonNode value) {
    if (!value.isArray()) {
      return value.isNumber() ? Words.number(value) : value.asText();
    }
    List<String> items = new ArrayList<>();
    value.forEach(item -> items.add(flow(item)));
    return "[" + String.join(", ", items) + "]";
  }

  private static String type(JsonNode schema, boolean training) {
    if (training) {
      return "as `training`";
    }
    if (schema.has("const")) {
      return "`" + schema.path("const").asText() + "`";
    }
    if (schema.has("enum")) {
      Set<String> words = new LinkedHashSet<>();
      schema.path("enum").forEach(word -> words.add("`" + word.asText() + "`"));
      return String.join(", ", words);
    }
    List<String> names = new ArrayList<>();
    JsonNode types = schema.path("type");
    if (types.isArray()) {
      types.forEach(type -> names.add(name(type.asText(), schema)));
    } else {
      names.add(name(types.asText(), schema));
    }
    return String.join(" or ", names);
  }

  private static String name(String type, JsonNode schema) {
    return switch (type) {
      case "integer" -> "whole number" + range(schema);
      case "number" -> "number" + range(schema);
      case "string" ->
          schema.path("pattern").asText().matches("\\^[a-z]+\\$")
              ? "`" + schema.path("pattern").asText().replaceAll("[$^]", "") + "`"
              : "text";
      case "array" -> "list" + of(schema.path("items"));
      case "null" -> "null";
      default -> type;
    };
  }

  private static String of(JsonNode items) {
    return items.has("type") || items.has("enum") ? " of " + type(items, false) : "";
  }

  private static String range(JsonNode schema) {
    List<String> parts = new ArrayList<>();
    if (schema.has("minimum")) {
      parts.add("≥ " + Words.number(schema.path("minimum")));
    }
    if (schema.has("exclusiveMinimum")) {
      parts.add("> " + Words.number(schema.path("exclusiveMinimum")));
    }
    if (schema.has("maximum")) {
      parts.add("≤ " + Words.number(schema.path("maximum")));
    }
    return parts.isEmpty() ? "" : " " + String.join(", ", parts);
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace("\n", " ");
  }

  private static Set<String> required(JsonNode schema) {
    Set<String> names = new LinkedHashSet<>();
    schema.path("required").forEach(name -> names.add(name.asText()));
    // What a file may leave to those that it extends.
    schema.path("then").path("required").forEach(name -> names.add(name.asText()));
    return names;
  }

  private static JsonNode target(JsonNode schema) {
    String reference = schema.path("$ref").asText("");
    return reference.isEmpty()
        ? schema
        : ExperimentSchema.definition(reference.substring("#/$defs/".length()));
  }
}
