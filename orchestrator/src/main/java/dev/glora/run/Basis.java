package dev.glora.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.files.AtomicFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What the numbers of a begun run rest on beside its key: environment, data and model, as they were
 * found when it began. A run whose basis changed starts anew, or its parts would not fit together.
 */
final class Basis {
  private final RunContext context;
  private final Path file;

  /**
   * Opens the basis of a run.
   *
   * @param context the run
   */
  Basis(RunContext context) {
    this.context = context;
    this.file = context.folder().state().resolve("basis.json");
  }

  /**
   * Compares what is found now with what the run began with; on a difference says so and deletes
   * what was computed.
   *
   * @param name what is compared
   * @param digest its digest now
   * @param changed what the user is told of a change, after "was begun"
   */
  void confirm(String name, String digest, String changed) {
    Optional<ObjectNode> read = read();
    ObjectNode known = read.orElseGet(Json::object);
    String before = known.path(name).asText();
    if (before.equals(digest)) {
      return;
    }
    if (!before.isEmpty() || read.isEmpty()) {
      String why =
          read.isEmpty() ? "on a basis that is not known, as " + file + " is damaged" : changed;
      String line = "The run " + context.id() + " was begun " + why + ": it starts anew.";
      context.listener().message(line);
      context.store().event(context.id(), "RESTARTED", line);
      // The store first: while the folder still has the old basis, a kill in between is repeated.
      context.store().restart(context.id());
      context.folder().clear();
    }
    AtomicFile.write(file, Json.text(known.put(name, digest)));
  }

  /** What was found when the run began: empty before that, nothing where the file is damaged. */
  private Optional<ObjectNode> read() {
    if (!Files.exists(file)) {
      return Optional.of(Json.object());
    }
    try {
      return Json.object(Files.readString(file));
    } catch (CharacterCodingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw GloraException.failed("The file " + file + " cannot be read: " + e, e);
    }
  }
}
