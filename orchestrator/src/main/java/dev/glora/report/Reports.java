package dev.glora.report;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.files.AtomicFile;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.List;

/** Writes reports beside the runs. */
public final class Reports {
  private Reports() {}

  /**
   * Writes {@code <runs>/<run>/report.md}.
   *
   * @param store an open store
   * @param runs folder of the runs
   * @param run the run's id
   * @return the file
   */
  public static Path writeRun(RunStore store, Path runs, String run) {
    ObjectNode document = document(store, runs, run);
    return write(runs.resolve(run).resolve("report.md"), new RunReport(document).markdown());
  }

  /**
   * Writes {@code <runs>/<experiment>-report.md}.
   *
   * @param store an open store
   * @param runs folder of the runs
   * @param experiment name of the experiment
   * @param ids its runs
   * @return the file
   */
  public static Path writeExperiment(
      RunStore store, Path runs, String experiment, List<String> ids) {
    return write(
        runs.resolve(experiment + "-report.md"),
        experiment(store, runs, experiment, ids).markdown());
  }

  /**
   * Reports an experiment.
   *
   * @param store an open store
   * @param runs folder of the runs
   * @param name name of the experiment
   * @param ids its runs
   * @return the report
   */
  public static ExperimentReport experiment(
      RunStore store, Path runs, String name, List<String> ids) {
    return new ExperimentReport(name, ids.stream().map(run -> document(store, runs, run)).toList());
  }

  private static ObjectNode document(RunStore store, Path runs, String run) {
    return RunDocument.of(
        store,
        runs,
        store
            .find(run)
            .orElseThrow(() -> GloraException.usage("The store has no run " + run + ".")));
  }

  private static Path write(Path file, String text) {
    AtomicFile.write(file, text);
    return file;
  }
}
