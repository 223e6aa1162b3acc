package dev.glora.report;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Runs;
import dev.glora.store.Trial;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** A store as runs leave it, for tests of what reads it. */
public final class FilledStore {
  private FilledStore() {}

  /** Six finished runs: head, lora and glora with two seeds. */
  public static List<PlannedRun> fill(Path runs) {
    return fill(runs, "");
  }

  /** The same in the store of a URL, of the experiment with settings laid over it. */
  public static List<PlannedRun> fill(Path runs, String url, String... overrides) {
    List<PlannedRun> plan = Runs.plan(overrides);
    try (RunStore store = RunStore.open(runs, url)) {
      for (PlannedRun run : plan) {
        fill(store, run);
      }
    }
    return plan;
  }

  private static void fill(RunStore store, PlannedRun run) {
    String id = run.id();
    store.upsert(run);
    store.status(id, RunStatus.RUNNING, "");
    store.record(id, "environment", Json.object().put("torch", "2.13.0").put("threads", 2));
    store.record(
        id,
        "data",
        Json.parse(
            "{\"rows\": {\"train\": 800, \"val\": 200, \"test\": 1234}, \"digest\": \"d\"}"));
    store.add(id, "timings.download", 100);
    store.add(id, "timings.prepare", 50);
    double seed = run.seed();
    if (run.method().method().equals("glora")) {
      store.add(id, "timings.supernet", 60);
      store.add(id, "timings.search", 30);
      store.add(id, "timings.final:inherit", 1);
      store.add(id, "timings.final:finetune", 9);
      store.add(id, "timings.merge:inherit", 1000);
      store.peak(id, "memory.supernet", 900);
      store.addTrial(new Trial(id, 0, 0, "k" + id, "AAE=", 0.81, 0.41, 30, 20, 10, "taylor"));
      store.record(
          id,
          "search",
          Json.parse("{\"evaluations\": 1050, \"best\": {\"accuracy\": 0.81, \"loss\": 0.4111}}"));
      store.record(
          id,
          "structure",
          Json.parse(
              "{\"sites\": [{\"name\": \"encoder.layer.0.query\", \"A\": \"none\", \"B\":"
                  + " \"lora-4\", \"C\": \"vector\", \"D\": \"none\", \"E\": \"scalar\"},"
                  + " {\"name\": \"encoder.layer.1.dense\", \"A\": \"none\", \"B\": \"none\","
                  + " \"C\": \"none\", \"D\": \"none\", \"E\": \"vector\"}], \"codes\":"
                  + " \"AAE=\"}"));
      store.openTest(id, "inherit", Instant.parse("2026-01-01T00:00:00Z"));
      store.addFinal(id, "inherit", true, record("inherit", 0.80 + seed / 100, 0.79, 165));
      store.openTest(id, "finetune", Instant.parse("2026-01-01T00:00:01Z"));
      store.addFinal(id, "finetune", false, record("finetune", 0.82, 0.815, 165));
    } else {
      store.add(id, "timings.train", 40);
      store.peak(id, "memory.train", 700);
      store.openTest(id, "train", Instant.parse("2026-01-01T00:00:00Z"));
      store.addFinal(id, "train", true, record("train", 0.70 + seed / 50, 0.69, 0));
    }
    store.status(id, RunStatus.FINISHED, "");
  }

  private static ObjectNode record(String mode, double val, double test, long adapter) {
    ObjectNode record = Json.object().put("mode", mode);
    record
        .putObject("parameters")
        .put("trainable", adapter + 770)
        .put("adapter", adapter)
        .put("stored", adapter)
        .put("folded", adapter / 2)
        .put("total", 22_000_000);
    ObjectNode metrics = record.putObject("metrics");
    metrics.putObject("val").put("accuracy", val).put("loss", 0.5);
    metrics.putObject("test").put("accuracy", test).put("loss", 0.5).put("macro_f1", test - 0.01);
    record.putObject("merge").put("max_abs_diff", 1.25e-7).put("identical", 200).put("rows", 200);
    record.putObject("digests").put("structure", "s").put("adapter", "a").put("merged", "m" + mode);
    return record;
  }
}
