package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads experiment files: YAML, then overrides, then the schema, then defaults, then the rules
 * between values. The first thing wrong is reported with file, line and column.
 */
public final class ExperimentReader {
  private static final long LARGEST_FILE = 1 << 20;

  private ExperimentReader() {}

  /**
   * Reads a file.
   *
   * @param file an experiment in YAML
   * @param overrides settings of the form {@code key=value}; a key is a path with dots, such as
   *     {@code methods.2.max_parameters}; a value is YAML
   * @return the experiment with all defaults
   * @throws GloraException with {@link ExitCode#USAGE} for a file that is missing or wrong
   */
  public static Experiment read(Path file, List<String> overrides) {
    return parse(text(file), file.toString(), overrides);
  }

  /**
   * Reads a text.
   *
   * @param yaml an experiment in YAML
   * @param name what errors call it
   * @param overrides settings of the form {@code key=value}
   * @return the experiment with all defaults
   */
  public static Experiment parse(String yaml, String name, List<String> overrides) {
    Origins origins = new Origins(name);
    JsonNode tree = YamlTree.parse(yaml, origins);
    if (tree.isObject()) {
      Overrides.apply(tree, origins, overrides);
    }
    SchemaCheck.check(tree, origins);
    Experiment experiment = ExperimentMapper.experiment(Defaults.resolve(tree));
    Rules.check(experiment, origins);
    return experiment;
  }

  private static String text(Path file) {
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
      byte[] bytes = Files.readAllBytes(file);
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new GloraException(
          ExitCode.USAGE, file + " is not text in UTF-8, expected an experiment in YAML.", e);
    } catch (IOException e) {
      throw new GloraException(
          ExitCode.USAGE,
          file + " cannot be read (" + e.getMessage() + "); check its rights and give a file.",
          e);
    }
  }
}
