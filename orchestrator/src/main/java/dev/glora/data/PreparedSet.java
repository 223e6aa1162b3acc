package dev.glora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.DType;
import dev.glora.files.FileDigest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A prepared set on disk: {@code set.json} and one safetensors file per split.
 *
 * <p>This type hands out train and val. It has no way to test: that split is opened through {@link
 * SealedTest}, once its opening is recorded.
 */
public final class PreparedSet {
  private final Path folder;
  private final String digest;
  private final List<String> labels;
  private final Target target;
  private final List<Column> columns;
  private final JsonNode description;
  private final Split train;
  private final Split val;

  private PreparedSet(Path folder, JsonNode description) {
    this.folder = folder;
    this.description = description;
    this.digest = text("digest");
    this.labels = new ArrayList<>();
    description.path("labels").forEach(label -> labels.add(label.asText()));
    this.target =
        Target.read(description.path("target"))
            .orElseThrow(() -> damaged(folder, "its target is " + description.path("target")));
    if (labels.size() < target.leastLabels()) {
      throw damaged(
          folder,
          "it has "
              + labels.size()
              + " labels and its target has at least "
              + target.leastLabels());
    }
    this.columns = new ArrayList<>();
    description.path("columns").forEach(column -> columns.add(column(column)));
    if (columns.isEmpty()) {
      throw damaged(folder, "it has no columns");
    }
    this.train = split("train");
    this.val = split("val");
  }

  /**
   * Opens a set: reads its description and maps train and val, after their digests were checked.
   *
   * @param folder the set's folder
   * @return the set
   */
  public static PreparedSet open(Path folder) {
    Path file = folder.resolve("set.json");
    JsonNode description;
    try {
      description = Json.MAPPER.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw damaged(folder, "set.json is no JSON (" + e.getOriginalMessage() + ")");
    } catch (IOException e) {
      throw GloraException.failed(
          "The prepared set's description "
              + file
              + " cannot be read ("
              + e
              + "): delete its folder and run again, which prepares it anew.",
          e);
    }
    if (description == null || description.path("format").asInt(-1) != 1) {
      throw damaged(
          folder,
          "its format is "
              + (description == null ? "missing" : description.path("format"))
              + " and this version reads 1");
    }
    return new PreparedSet(folder, description);
  }

  private String text(String key) {
    JsonNode node = description.path(key);
    if (!node.isTextual()) {
      throw damaged(folder, "set.json lacks " + key);
    }
    return node.asText();
  }

  private Column column(JsonNode node) {
    String type = node.path("dtype").asText();
    List<Integer> shape = new ArrayList<>();
    node.path("row_shape").forEach(n -> shape.add(n.asInt(-1)));
    if (shape.stream().anyMatch(n -> n < 1)) {
      throw damaged(folder, "a column has the row shape " + node.path("row_shape"));
    }
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(type.toUpperCase(Locale.ROOT))) {
        boolean sequence = node.path("sequence").asBoolean();
        return new Column(node.path("name").asText(), dtype, shape, sequence);
      }
    }
    throw damaged(folder, "a column has the unknown type \"" + type + "\"");
  }

  /**
   * Checks a split's digest and maps it. Package-private: {@link SealedTest} is the way to test.
   *
   * @param name the split's name
   * @return the mapped rows
   */
  Split split(String name) {
    JsonNode node = description.path("splits").path(name);
    int rows = node.path("rows").asInt(-1);
    if (rows < 1 || !node.path("file").isTextual() || !node.path("sha256").isTextual()) {
      throw damaged(folder, "set.json describes no rows of the split " + name);
    }
    Path file = folder.resolve(node.path("file").asText());
    if (!file.normalize().startsWith(folder.normalize())) {
      throw damaged(folder, "set.json names a file outside its folder for the split " + name);
    }
    String found = FileDigest.of(file);
    String expected = node.path("sha256").asText();
    if (!found.equals(expected)) {
      throw damaged(
          folder,
          "the file "
              + file.getFileName()
              + " has the digest "
              + found
              + " and should have "
              + expected);
    }
    return Split.map(name, SafetensorsFile.open(file), columns, rows, labels.size(), target);
  }

  private static GloraException damaged(Path folder, String why) {
    return GloraException.failed(
        "The prepared set "
            + folder
            + " is damaged: "
            + why
            + "; delete the folder and run again, which prepares it anew.");
  }

  /**
   * Where the set lies.
   *
   * @return its folder
   */
  public Path folder() {
    return folder;
  }

  /**
   * The digest of the set's content.
   *
   * @return SHA-256 over the files' digests, as set.json states it
   */
  public String digest() {
    return digest;
  }

  /**
   * The labels' names.
   *
   * @return names in the order of their numbers; of a number the one name of what it is
   */
  public List<String> labels() {
    return List.copyOf(labels);
  }

  /**
   * What a row's label is.
   *
   * @return the target
   */
  public Target target() {
    return target;
  }

  /**
   * The model's inputs.
   *
   * @return columns in the set's order
   */
  public List<Column> columns() {
    return List.copyOf(columns);
  }

  /**
   * The rows for training.
   *
   * @return the split
   */
  public Split train() {
    return train;
  }

  /**
   * The rows for the search and for choosing settings.
   *
   * @return the split
   */
  public Split val() {
    return val;
  }

  /**
   * Further test sets, such as shifted ones.
   *
   * @return names of their splits, all after {@code test-}
   */
  public List<String> furtherTests() {
    List<String> names = new ArrayList<>();
    description
        .path("splits")
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (name.startsWith("test-")) {
                names.add(name);
              }
            });
    return names;
  }

  /**
   * What set.json says: task, labels, columns, rows and digests.
   *
   * @return a copy of the description
   */
  public JsonNode description() {
    return description.deepCopy();
  }
}
