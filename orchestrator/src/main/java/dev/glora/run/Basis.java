package dev.glora.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.files.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

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
    ObjectNode known = read();
    String before = known.path(name).asText();
    if (before.equals(digest)) {
      return;
    }
    if (!before.isEmpty()) {
      String line = "The run " + context.id() + " was begun " + changed + ": it starts anew.";
      context.listener().message(line);
      context.store().event(context.id(), "RESTARTED", line);
      // The store first: while the folder still has the old basis, a kill in between is repeated.
      context.store().restart(context.id());
      context.folder().clear();
    }
    AtomicFile.write(file, Json.text(known.put(name, digest)));
  }

  private ObjectNode read() {
    if (!Files.exists(file)) {
      return Json.object();
    }
    try {
      return Json.parse(Files.readString(file)) instanceof ObjectNode known ? known : Json.object();
    } catch (IOException e) {
      throw GloraException.failed("The file " + file + " cannot be read: " + e, e);
    }
  }
}
