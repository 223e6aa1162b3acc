package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
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
 * The state of one training loop on disk: {@code NAME-STEP.safetensors} with weights and optimiser,
 * and {@code NAME.json}, which names it and holds the step, its digest and the losses so far.
 *
 * <p>The JSON is written last and atomically, so what it names is whole: a process killed at any
 * moment leaves the checkpoint before or the one after. Older weights are deleted once it points to
 * newer ones.
 */
public final class Checkpoint {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);
  private static final int FORMAT = 1;

  private final Path folder;
  private final String name;

  /**
   * Names a checkpoint; reads and writes nothing.
   *
   * @param folder where it lies
   * @param name what was trained, such as {@code supernet}
   */
  public Checkpoint(Path folder, String name) {
    this.folder = folder;
    this.name = name;
  }

  /**
   * The weights of the last checkpoint.
   *
   * @return the file that the JSON names
   */
  public Path weights() {
    return folder.resolve(read().path("file").asText());
  }

  /**
   * The digest of the last checkpoint's weights.
   *
   * @return SHA-256 in hexadecimal
   */
  public String digest() {
    return read().path("sha256").asText();
  }

  /**
   * Whether training came to its end here, and its weights are there and unharmed.
   *
   * @param steps steps of the whole training
   * @return true if nothing is left to do
   */
  public boolean complete(int steps) {
    return intact() && read().path("step").asInt() == steps;
  }

  private boolean intact() {
    if (!Files.exists(file())) {
      return false;
    }
    JsonNode state = found().map(JsonNode.class::cast).orElse(Json.MISSING);
    Path weights = folder.resolve(state.path("file").asText());
    return state.path("format").asInt() == FORMAT
        && Files.isRegularFile(weights)
        && FileDigest.of(weights).equals(state.path("sha256").asText());
  }

  /**
   * Goes back to the last checkpoint.
   *
   * @param model receives weights and optimiser state
   * @param losses receives the losses so far
   * @return steps done, 0 where there is no checkpoint or it is harmed
   */
  int restore(ModelSession model, double[] losses) {
    if (!intact()) {
      if (Files.exists(file())) {
        LOG.warn("The checkpoint {} is damaged: training begins again", file());
      }
      return 0;
    }
    JsonNode state = read();
    int step = state.path("step").asInt();
    if (step > losses.length) {
      return 0;
    }
    model.load(weights());
    for (int i = 0; i < step; i++) {
      losses[i] = state.path("losses").path(i).asDouble();
    }
    // What a process that was killed while it saved has left; the last step is not saved again.
    sweep(state.path("file").asText());
    return step;
  }

  /**
   * Saves.
   *
   * @param model whose weights and optimiser state
   * @param step steps done
   * @param losses losses of these steps
   */
  public void save(ModelSession model, int step, double[] losses) {
    String file = name + "-" + step + ".safetensors";
    Path weights = folder.resolve(file);
    makeFolder();
    model.save(weights);
    ObjectNode state = Json.object();
    state.put("format", FORMAT).put("step", step).put("file", file);
    state.put("sha256", FileDigest.of(weights));
    ArrayNode curve = state.putArray("losses");
    for (int i = 0; i < step; i++) {
      curve.add(losses[i]);
    }
    AtomicFile.write(file(), Json.text(state));
    sweep(file);
  }

  /** Deletes the checkpoint. */
  public void delete() {
    if (Files.isDirectory(folder)) {
      AtomicFile.delete(file());
      sweep("");
    }
  }

  private void sweep(String kept) {
    // Half-written ones are folders that begin with ".tmp-".
    try (var files = Files.newDirectoryStream(folder, "{,.tmp-}" + name + "-*.safetensors*")) {
      for (Path file : files) {
        if (!file.getFileName().toString().equals(kept)) {
          AtomicFile.delete(file);
        }
      }
    } catch (IOException e) {
      throw GloraException.failed("The folder " + folder + " cannot be read: " + e, e);
    }
  }

  private void makeFolder() {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw GloraException.failed("The folder " + folder + " cannot be made: " + e, e);
    }
  }

  /**
   * The JSON of this checkpoint.
   *
   * @return the file, which names the weights
   */
  public Path file() {
    return folder.resolve(name + ".json");
  }

  private JsonNode read() {
    return found()
        .orElseThrow(
            () ->
                GloraException.failed(
                    "The checkpoint " + file() + " is damaged: delete it and run again.", null));
  }

  /** The state, or nothing where the file is damaged. */
  private Optional<ObjectNode> found() {
    try {
      return Json.object(Files.readString(file()));
    } catch (CharacterCodingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw GloraException.failed(
          "The checkpoint " + file() + " cannot be read (" + e + "): delete it and run again.", e);
    }
  }
}
