package dev.glora.api;

import dev.glora.run.CancelToken;
import dev.glora.run.RunListener;
import dev.glora.run.RunnerOptions;
import dev.glora.store.RunStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Where things are, and who is told what.
 *
 * @param checkout folder of the sources; where it has none, the Python package is an installed one
 * @param runs folder of the runs
 * @param store URL of the store, an empty string for SQLite in the folder of the runs
 * @param python the Python executable
 * @param cache folder of fetched models and prepared data
 * @param runner who does the runs, and how much is borne
 * @param events file that gets a line for each event, or null
 * @param listener is told how runs go on
 * @param notes gets what is planned and why, a sentence each
 * @param cancel stops runs between two steps
 * @param pythonStarted called when Python has started, which may have taken signals for itself
 */
record Settings(
    Path checkout,
    Path runs,
    String store,
    Path python,
    Path cache,
    RunnerOptions runner,
    Path events,
    RunListener listener,
    Consumer<String> notes,
    CancelToken cancel,
    Runnable pythonStarted) {

  /** Opens the store for reading and writing; makes it when missing. */
  RunStore openStore() {
    return RunStore.open(runs, store);
  }

  /** Opens the store for questions, where there is one. */
  Optional<RunStore> existingStore() {
    return RunStore.openExisting(runs, store);
  }

  /** Folders with Python modules of the checkout; none where the package is installed. */
  List<Path> modules() {
    Path sources = checkout.resolve(Path.of("python-runtime", "src"));
    return Files.isDirectory(sources) ? List.of(sources) : List.of();
  }

  /** The same, with runs elsewhere, whose store is in their folder. */
  Settings withRuns(Path folder) {
    return new Settings(
        checkout,
        folder,
        "",
        python,
        cache,
        runner,
        events,
        listener,
        notes,
        cancel,
        pythonStarted);
  }
}
