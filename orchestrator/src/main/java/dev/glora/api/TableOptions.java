package dev.glora.api;

import java.nio.file.Path;
import java.util.List;

/**
 * What a table of results shows.
 *
 * @param format how its text is written: {@code text}, {@code md}, {@code csv}, {@code latex} or
 *     {@code json}
 * @param published tables of published values; where there is none, those in the folder {@code
 *     published} beside the experiment file
 * @param split {@code val}, {@code test}, of a further test set {@code test-NAME}, or {@code
 *     evaluate}, the experiment's benchmarks
 * @param metric name of the metric; {@code accuracy} of benchmarks is what papers report of each
 */
public record TableOptions(String format, List<Path> published, String split, String metric) {
  /** Accuracy on test, for a terminal. */
  public static final TableOptions DEFAULT =
      new TableOptions("text", List.of(), "test", "accuracy");

  /** Copies the list. */
  public TableOptions {
    published = List.copyOf(published);
  }
}
