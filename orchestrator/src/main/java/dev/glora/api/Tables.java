package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.report.Comparison;
import dev.glora.report.PublishedValue;
import dev.glora.report.ResultTable;
import dev.glora.report.RunDocument;
import dev.glora.report.TableFormat;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.RunSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Runs side by side. */
final class Tables {
  private Tables() {}

  /** One configuration of the experiment: what its runs have in common. */
  private static final class Group {
    private final Set<Long> planned;
    private final TreeMap<Long, RunRow> finished = new TreeMap<>();

    private Group(Set<Long> planned) {
      this.planned = planned;
    }
  }

  /**
   * Makes the table of an experiment.
   *
   * @param settings where things are
   * @param file the experiment file
   * @param plan its runs
   * @param seeds whether only the planned seeds count, and not all that were run
   * @param options what it shows
   */
  static Answer table(
      Settings settings, Path file, List<PlannedRun> plan, boolean seeds, TableOptions options) {
    TableFormat format = TableFormat.of(options.format());
    if (!options.split().matches("val|test(-.+)?|evaluate")) {
      throw GloraException.usage(
          "There is no split \""
              + options.split()
              + "\" with results; expected val, test, of a further test set test-NAME, or evaluate, the"
              + " experiment's benchmarks.");
    }
    List<PublishedValue> published = new ArrayList<>();
    options.published().forEach(each -> published.addAll(PublishedValue.read(each)));
    if (options.published().isEmpty()) {
      Path folder = file.toAbsolutePath().getParent();
      published.addAll(PublishedValue.readAll(folder.resolve("published")));
    }
    Map<String, Group> groups = new LinkedHashMap<>();
    plan.stream()
        .collect(
            Collectors.groupingBy(
                run -> configuration(run.resolved()),
                LinkedHashMap::new,
                Collectors.mapping(PlannedRun::seed, Collectors.toSet())))
        .forEach((key, planned) -> groups.put(key, new Group(planned)));
    String name = plan.get(0).experiment().name();
    List<ResultTable.Group> found = new ArrayList<>();
    Optional<RunStore> opened = settings.existingStore();
    if (opened.isPresent()) {
      try (RunStore store = opened.get()) {
        fill(groups, store, plan, seeds);
        for (Group group : groups.values()) {
          found.add(group(group, store, settings.runs()));
        }
      }
    } else {
      groups
          .values()
          .forEach(each -> found.add(new ResultTable.Group(List.of(), each.planned.size())));
    }
    ResultTable table = ResultTable.of(name, found, published, options.split(), options.metric());
    return Answer.of(table.json(), table.text(format));
  }

  private static void fill(
      Map<String, Group> groups, RunStore store, List<PlannedRun> plan, boolean seeds) {
    Set<String> labels = plan.stream().map(run -> run.method().label()).collect(Collectors.toSet());
    String name = plan.get(0).experiment().name();
    for (RunSummary each : store.summaries(name, EnumSet.of(RunStatus.FINISHED), 0, 0)) {
      if (!labels.contains(each.label())) {
        continue;
      }
      RunRow row = store.find(each.id()).orElseThrow();
      Group group = groups.get(configuration(row.resolved()));
      if (group != null && (!seeds || group.planned.contains(row.seed()))) {
        // In the order of their entering: of two codes' runs of a seed the newer one stays.
        group.finished.put(row.seed(), row);
      }
    }
  }

  private static ResultTable.Group group(Group group, RunStore store, Path runs) {
    List<JsonNode> documents = new ArrayList<>();
    group.finished.values().forEach(row -> documents.add(RunDocument.of(store, runs, row)));
    long missing = group.planned.stream().filter(seed -> !group.finished.containsKey(seed)).count();
    return new ResultTable.Group(documents, (int) missing);
  }

  /** The digest of what runs of different seeds, and of different code, have in common. */
  private static String configuration(JsonNode resolved) {
    ObjectNode shared = resolved.deepCopy();
    shared.remove(List.of("code", "seeds"));
    return Json.digest(shared);
  }

  /** Compares two runs, or two files with structures. */
  static Answer compare(Settings settings, String first, String second) {
    Path runs = settings.runs();
    Path one = Path.of(first);
    Path two = Path.of(second);
    Comparison comparison;
    if (Files.isRegularFile(one) && Files.isRegularFile(two)) {
      comparison = Comparison.ofStructures(first, structure(one), second, structure(two));
    } else {
      try (RunStore store = settings.existingStore().orElseThrow(() -> Queries.noRuns(runs))) {
        comparison =
            Comparison.ofRuns(
                RunDocument.of(store, runs, Queries.one(store, first)),
                RunDocument.of(store, runs, Queries.one(store, second)));
      }
    }
    return Answer.of(comparison.json(), comparison.text());
  }

  private static JsonNode structure(Path file) {
    try {
      Optional<ObjectNode> found = Json.object(Files.readString(file));
      if (found.isPresent() && found.get().path("sites").isArray()) {
        return found.get();
      }
    } catch (IOException e) {
      throw GloraException.usage("The file " + file + " cannot be read as text (" + e + ").");
    }
    throw GloraException.usage(
        "The file "
            + file
            + " holds no structure, expected JSON with \"sites\" such as a run's structure.json.");
  }
}
