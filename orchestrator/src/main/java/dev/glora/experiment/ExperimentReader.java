package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Reads experiment files: YAML, then the files that it extends, then overrides, then for each
 * variant of the matrix the schema, the defaults, and the rules between values. The first thing
 * wrong is reported with file, line and column.
 */
public final class ExperimentReader {
  private static final long LARGEST_FILE = 1 << 20;

  private ExperimentReader() {}

  /**
   * Reads a file.
   *
   * @param file an experiment in YAML
   * @param overrides settings of the form {@code key=value}; a key is a path with dots, such as
   *     {@code methods.2.max_parameters} or {@code methods.glora.max_parameters}; a value is YAML
   * @return its variants with all defaults: one for each combination of the values of its {@code
   *     matrix}, a single one where it has none
   * @throws GloraException with {@link ExitCode#USAGE} for a file that is missing or wrong
   */
  public static List<Experiment> read(Path file, List<String> overrides) {
    return variants(text(file), file, file.toString(), overrides);
  }

  /**
   * Reads a text that has no matrix.
   *
   * @param yaml an experiment in YAML
   * @param name what errors call it; a path that it extends is relative to the working folder
   * @param overrides settings of the form {@code key=value}
   * @return the experiment with all defaults
   */
  public static Experiment parse(String yaml, String name, List<String> overrides) {
    List<Experiment> variants = variants(yaml, Path.of(""), name, overrides);
    if (variants.size() > 1) {
      throw GloraException.usage(
          name + ": the matrix has " + variants.size() + " variants, expected one experiment.");
    }
    return variants.get(0);
  }

  private static List<Experiment> variants(
      String yaml, Path file, String name, List<String> overrides) {
    Origins origins = new Origins(name);
    JsonNode tree = Composition.compose(yaml, file, origins);
    if (!(tree instanceof ObjectNode object)) {
      throw SchemaCheck.noObject(tree, origins);
    }
    List<String> set = Overrides.apply(object, origins, overrides);
    List<Experiment> variants = new ArrayList<>();
    Matrix.take(object, origins, set)
        .variants(
            (variant, places, settings) -> {
              SchemaCheck.check(variant, places);
              NamedFiles.read(variant, places);
              Experiment experiment =
                  ExperimentMapper.experiment(Defaults.resolve(variant), settings);
              Rules.check(experiment, places);
              variants.add(experiment);
            });
    return variants;
  }

  static String text(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw GloraException.usage(
            file
                + " is a folder, expected an experiment file such as experiments/quickstart.yaml.");
      }
      if (!Files.exists(file)) {
        throw GloraException.usage(
            "There is no file "
                + file
                + "; give the path of an experiment such as experiments/quickstart.yaml.");
      }
      if (Files.size(file) > LARGEST_FILE) {
        throw GloraException.usage(
            file + " has " + Files.size(file) + " bytes, expected an experiment of at most 1 MiB.");
      }
      return decode(file, Files.readAllBytes(file));
    } catch (IOException e) {
      throw new GloraException(
          ExitCode.USAGE,
          file + " cannot be read (" + e.getMessage() + "); check its rights and give a file.",
          e);
    }
  }

  private static String decode(Path file, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
    String text = out.flip().toString();
    if (result.isError()) {
      int start = text.lastIndexOf('\n') + 1;
      throw GloraException.usage(
          String.format(
              Locale.ROOT,
              "%s:%d:%d: this is not text in UTF-8 (the byte 0x%02x), expected an experiment in"
                  + " YAML; save the file as UTF-8.",
              file,
              text.chars().filter(c -> c == '\n').count() + 1,
              text.length() - start + 1,
              bytes[in.position()]));
    }
    // Some editors begin a file with a mark of its byte order, which is no part of its text.
    return text.startsWith("\ufeff") ? text.substring(1) : text;
  }
}
