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
 * Puts the text of each policy beside its name, so that it is part of the run's key and record: a
 * changed file is another run, and a stored run is repeated with the text that it had.
 */
final class PolicyFiles {
  private static final long LARGEST_FILE = 1 << 20;
  private static final Pattern PLACE = Pattern.compile("(.*):\\d+:\\d+", Pattern.DOTALL);

  private PolicyFiles() {}

  /**
   * Reads the files.
   *
   * @param experiment an experiment that keeps the schema; changed in place
   * @param origins where its values were written
   */
  static void read(JsonNode experiment, Origins origins) {
    JsonNode methods = experiment.path("methods");
    for (int i = 0; i < methods.size(); i++) {
      JsonNode policy = methods.get(i).path("search").path("policy");
      if (policy instanceof ObjectNode object && !object.has("source")) {
        String pointer = "/methods/" + i + "/search/policy/file";
        object.put("source", text(object.get("file").textValue(), origins.of(pointer)));
      }
    }
  }

  /** A path is relative to the file that names it, one of the command line to the folder there. */
  private static String text(String name, String place) {
    Matcher file = PLACE.matcher(place);
    try {
      Path path = file.matches() ? Path.of(file.group(1)).resolveSibling(name) : Path.of(name);
      if (!Files.isRegularFile(path)) {
        throw wrong(place, name, "which is no file at " + path.toAbsolutePath());
      }
      if (Files.size(path) > LARGEST_FILE) {
        throw wrong(place, name, "which has more than 1 MiB");
      }
      return Files.readString(path);
    } catch (CharacterCodingException e) {
      throw wrong(place, name, "which is not text in UTF-8");
    } catch (IOException | InvalidPathException e) {
      throw wrong(place, name, "which cannot be read (" + e.getMessage() + ")");
    }
  }

  private static GloraException wrong(String place, String name, String what) {
    return GloraException.usage(
        place
            + ": policy.file is "
            + Words.shorten(name)
            + ", "
            + what
            + ", expected a Python file with ask(state) and tell(results).");
  }
}
