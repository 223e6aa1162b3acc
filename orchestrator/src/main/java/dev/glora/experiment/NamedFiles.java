package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts the text of each policy and of each structure beside its file's name, so that it is part of
 * the run's key and record: a changed file is another run, and a stored run is repeated with the
 * text that it had. Finds the experiment that makes a model.
 */
final class NamedFiles {
  private static final long LARGEST_FILE = 1 << 20;
  private static final String RUN = "run:";
  private static final Pattern PLACE = Pattern.compile("(.*):\\d+:\\d+", Pattern.DOTALL);

  private NamedFiles() {}

  /**
   * Reads the files.
   *
   * @param experiment an experiment that keeps the schema; changed in place
   * @param origins where its values were written
   */
  static void read(JsonNode experiment, Origins origins) {
    model((ObjectNode) experiment, origins);
    JsonNode methods = experiment.path("methods");
    for (int i = 0; i < methods.size(); i++) {
      read(
          methods.get(i).at("/search/policy"),
          origins.of("/methods/" + i + "/search/policy/file"),
          "policy.file",
          "a Python file with ask(state) and tell(results)");
      read(
          methods.get(i).path("structure"),
          origins.of("/methods/" + i + "/structure/file"),
          "structure.file",
          "a structure such as a run's structure.json");
    }
  }

  /** An experiment that makes the model: its path becomes one from the working folder. */
  private static void model(ObjectNode experiment, Origins origins) {
    JsonNode model = experiment.path("model");
    String source = (model.isObject() ? model.path("source") : model).asText();
    if (source.startsWith(RUN) && source.endsWith(".yaml")) {
      String place = origins.of(model.isObject() ? "/model/source" : "/model");
      Path path = path(source.substring(RUN.length()), place);
      if (!Files.isRegularFile(path)) {
        throw GloraException.usage(
            place
                + ": model is "
                + Words.shorten(source)
                + ", which is no file at "
                + path.toAbsolutePath()
                + ", expected run:FILE.yaml, an experiment whose one run gives the model.");
      }
      experiment.put("model", RUN + path);
    }
  }

  private static Path path(String name, String place) {
    Matcher file = PLACE.matcher(place);
    return file.matches() ? Path.of(file.group(1)).resolveSibling(name) : Path.of(name);
  }

  private static void read(JsonNode holder, String place, String key, String expected) {
    if (holder instanceof ObjectNode object && object.has("file") && !object.has("source")) {
      String name = object.get("file").textValue();
      object.put("source", text(name, place, new Wanted(place, key, name, expected)));
    }
  }

  /** What an error says of a file. */
  private record Wanted(String place, String key, String name, String expected) {
    GloraException wrong(String what) {
      return GloraException.usage(
          place
              + ": "
              + key
              + " is "
              + Words.shorten(name)
              + ", "
              + what
              + ", expected "
              + expected
              + ".");
    }
  }

  /** A path is relative to the file that names it, one of the command line to the folder there. */
  private static String text(String name, String place, Wanted wanted) {
    try {
      Path path = path(name, place);
      if (!Files.isRegularFile(path)) {
        throw wanted.wrong("which is no file at " + path.toAbsolutePath());
      }
      if (Files.size(path) > LARGEST_FILE) {
        throw wanted.wrong("which has more than 1 MiB");
      }
      return Files.readString(path);
    } catch (CharacterCodingException e) {
      throw wanted.wrong("which is not text in UTF-8");
    } catch (IOException | InvalidPathException e) {
      throw wanted.wrong("which cannot be read (" + e.getMessage() + ")");
    }
  }
}
