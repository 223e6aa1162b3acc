package dev.glora.report.plot;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.store.RunRow;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** Draws all that a run has: each picture as SVG and as PNG. */
public final class RunPlots {
  private RunPlots() {}

  /**
   * Draws a run.
   *
   * @param store an open store
   * @param row the run
   * @param folder where the pictures go; made when missing
   * @return {@code {run, plots: [{name, svg, png}]}}
   */
  public static ObjectNode write(RunStore store, RunRow row, Path folder) {
    // Nothing is shown on a screen, and there may be none.
    System.setProperty("java.awt.headless", "true");
    ObjectNode answer = Json.object().put("run", row.id());
    ArrayNode plots = answer.putArray("plots");
    try {
      for (var entry : pictures(store, row).entrySet()) {
        Path svg = folder.resolve(entry.getKey() + ".svg");
        Path png = folder.resolve(entry.getKey() + ".png");
        PictureFile.svg(entry.getValue(), svg);
        PictureFile.png(entry.getValue(), png);
        plots
            .addObject()
            .put("name", entry.getKey())
            .put("svg", svg.toString())
            .put("png", png.toString());
      }
    } catch (LinkageError | InternalError e) {
      // What AWT throws where the system has no fonts, or Java came without its desktop module.
      throw GloraException.environment(
          "Java cannot draw text here ("
              + e
              + "); install a font and fontconfig (Debian: apt install fontconfig"
              + " fonts-dejavu-core).",
          e);
    }
    return answer;
  }

  private static Map<String, Picture> pictures(RunStore store, RunRow row) {
    Map<String, Picture> pictures = new LinkedHashMap<>();
    ObjectNode sections = store.sections(row.id());
    if (!sections.path("curve").isEmpty()) {
      pictures.put("learning-curve", Charts.learningCurve(sections.path("curve")));
    }
    JsonNode method = row.resolved().path("methods").path(0);
    List<Trial> trials = store.trials(row.id());
    if (!trials.isEmpty()) {
      boolean loss = method.path("search").path("fitness").asText().equals("loss");
      ToDoubleFunction<Trial> fitness = loss ? Trial::loss : Trial::accuracy;
      if (trials.stream().mapToDouble(fitness).anyMatch(Double::isFinite)) {
        pictures.put("search-history", Charts.searchHistory(trials, loss));
      }
      String counted = method.path("count").asText("stored");
      ToLongFunction<Trial> count = counted.equals("folded") ? Trial::folded : Trial::stored;
      pictures.put(
          "pareto-front",
          Charts.paretoFront(
              trials,
              count,
              counted,
              sections.path("structure").path("codes").asText(),
              method.path("max_parameters").asLong(0)));
    }
    JsonNode sites = sections.path("structure").path("sites");
    if (!sites.isEmpty()) {
      pictures.put("structure", new StructurePicture(sites));
      pictures.put("form-shares", Charts.formShares(sites));
    }
    return pictures;
  }
}
