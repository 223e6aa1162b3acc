package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.files.AtomicFile;
import dev.glora.files.FileDigest;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the finished stages of a run gave: one JSON file for each, written atomically when it is
 * done.
 *
 * <p>A record may name files that the stage wrote, with their digests, under {@code files}. Where
 * one of them is missing or changed the stage counts as not done, and is done again.
 */
final class StageRecords {
  private static final Logger LOG = LoggerFactory.getLogger(StageRecords.class);

  private final Path root;
  private final Path folder;

  /**
   * Opens the records.
   *
   * @param run the run's folder
   */
  StageRecords(RunFolder run) {
    this.root = run.path();
    this.folder = run.stages();
  }

  /**
   * What a stage gave.
   *
   * @param stage its name
   * @return its record, or nothing where it is still to be done, or the record is damaged
   */
  Optional<JsonNode> find(String stage) {
    Path file = file(stage);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    Optional<ObjectNode> record;
    try {
      record = Json.object(Files.readString(file));
    } catch (CharacterCodingException e) {
      record = Optional.empty();
    } catch (IOException e) {
      throw GloraException.failed("The record " + file + " cannot be read: " + e, e);
    }
    if (record.isEmpty()) {
      LOG.warn("{} is damaged: its stage is done again", file);
      return Optional.empty();
    }
    for (var entry : record.get().path("files").properties()) {
      Path named = root.resolve(entry.getKey());
      if (!Files.isRegularFile(named) || !FileDigest.of(named).equals(entry.getValue().asText())) {
        LOG.warn("{} is missing or changed: the stage {} is done again", named, stage);
        return Optional.empty();
      }
    }
    return Optional.of(record.get());
  }

  /**
   * Writes what a stage gave; from then on it is done.
   *
   * @param stage its name
   * @param record its record
   */
  void write(String stage, JsonNode record) {
    AtomicFile.write(file(stage), Json.text(record));
  }

  private Path file(String stage) {
    return folder.resolve(stage.replace(':', '-') + ".json");
  }
}
