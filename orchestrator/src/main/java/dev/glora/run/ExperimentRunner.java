package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.data.PreparedSet;
import dev.glora.experiment.BenchmarkSpec;
import dev.glora.experiment.DirectSpec;
import dev.glora.experiment.Experiment;
import dev.glora.experiment.GloraSpec;
import dev.glora.experiment.HeadSpec;
import dev.glora.experiment.MethodSpec;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.SourceSpec;
import dev.glora.files.AtomicFile;
import dev.glora.report.Reports;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.train.ModelSession;
import dev.glora.train.PythonCalls;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does runs, one after the other: download, prepare, [features], supernet or train, score, search,
 * and for each final: final, merge, test; then the report.
 *
 * <p>A finished stage is written down and never done again; an unfinished one goes on from its last
 * checkpoint. So running the same plan again resumes it, whatever ended it.
 */
public final class ExperimentRunner {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentRunner.class);

  private final RunStore store;
  private final Path runs;
  private final Path cache;
  private final PythonRuntime python;
  private final RunListener listener;
  private final CancelToken cancel;
  private final Set<MethodSpec> checked = new HashSet<>();

  /**
   * Makes a runner. Store and interpreter stay the caller's to close.
   *
   * @param store the store of the runs
   * @param runs folder of the runs
   * @param cache folder of models and prepared data
   * @param python a running interpreter
   * @param listener is told how the runs go on
   * @param cancel stops them between two steps
   */
  public ExperimentRunner(
      RunStore store,
      Path runs,
      Path cache,
      PythonRuntime python,
      RunListener listener,
      CancelToken cancel) {
    this.store = store;
    this.runs = runs;
    this.cache = cache;
    this.python = python;
    this.listener = listener;
    this.cancel = cancel;
  }

  /**
   * Does the runs that are not finished. A run that fails does not keep the others from being done.
   *
   * @param plan the runs, in order
   * @return how each of them ended
   * @throws GloraException if the experiment or the machine is not usable, or on a cancel; the
   *     state is saved
   */
  public List<RunOutcome> run(List<PlannedRun> plan) {
    plan.forEach(store::upsert);
    List<RunOutcome> outcomes = new ArrayList<>();
    for (PlannedRun run : plan) {
      cancel.check();
      outcomes.add(run(run, plan));
    }
    return outcomes;
  }

  private RunOutcome run(PlannedRun run, List<PlannedRun> plan) {
    RunRow row = store.upsert(run);
    if (row.status() == RunStatus.FINISHED) {
      listener.message("The run " + run.id() + " is finished already.");
      if (!Files.exists(runs.resolve(run.id()).resolve("report.md"))) {
        Reports.writeRun(store, runs, run.id());
      }
      return new RunOutcome(run, RunStatus.FINISHED, "");
    }
    try (RunFolder folder = RunFolder.lock(runs, run.id())) {
      RunLog log = RunLog.open(folder.path().resolve("run.log"));
      try {
        return locked(run, plan, folder);
      } finally {
        log.close();
      }
    }
  }

  private RunOutcome locked(PlannedRun run, List<PlannedRun> plan, RunFolder folder) {
    RunContext context = new RunContext(run, store, folder, cache, python, listener, cancel);
    try {
      store.status(run.id(), RunStatus.RUNNING, "");
      AtomicFile.write(folder.path().resolve("experiment.json"), Json.pretty(run.resolved()));
      Material material = material(context);
      check(context, material, plan);
      method(context, material);
      folder.results().forEach(file -> store.artifacts(runs).add(run.id(), folder.path(), file));
      store.status(run.id(), RunStatus.FINISHED, "");
      // After the status, which it shows; one that a kill prevented is written by the next call.
      Reports.writeRun(store, runs, run.id());
      LOG.info("The run {} is finished", run.id());
      return new RunOutcome(run, RunStatus.FINISHED, "");
    } catch (RuntimeException | Error e) {
      GloraException ending = PythonCalls.translate(e);
      return ended(run, ending, e);
    }
  }

  private RunOutcome ended(PlannedRun run, GloraException ending, Throwable error) {
    boolean stopped = ending.code() == ExitCode.INTERRUPTED || ending.code() == ExitCode.TERMINATED;
    if (stopped) {
      LOG.info("The run {} ends: {}", run.id(), ending.sentence());
    } else {
      LOG.error("The run {} ends: {}", run.id(), ending.sentence(), error);
      traceback(error).ifPresent(text -> LOG.error("Python's side of it:\n{}", text));
    }
    RunStatus status = stopped ? RunStatus.INTERRUPTED : RunStatus.FAILED;
    try {
      store.status(run.id(), status, ending.sentence());
    } catch (GloraException e) {
      // A full disk takes both; the first one is what the user must know.
      ending.addSuppressed(e);
      throw ending;
    }
    if (ending.code() != ExitCode.FAILED) {
      throw ending;
    }
    listener.message("The run " + run.id() + " failed: " + ending.sentence());
    return new RunOutcome(run, RunStatus.FAILED, ending.sentence());
  }

  private static Optional<String> traceback(Throwable error) {
    for (Throwable each = error; each != null; each = each.getCause()) {
      if (each instanceof PythonException python) {
        return Optional.of(python.traceback());
      }
    }
    return Optional.empty();
  }

  /** Fixes threads and kernels, and describes where the run computes. */
  private JsonNode environment(RunContext context) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("threads", context.run().experiment().runtime().threads());
    settings.put("deterministic", true);
    PythonCalls.await(python.call("glora.java", "configure", settings));
    JsonNode found =
        Json.MAPPER.valueToTree(
            PythonCalls.await(
                python.call(
                    "glora.java",
                    "environment",
                    Map.of("device", context.run().experiment().runtime().device()))));
    String fingerprint = found.path("fingerprint").asText();
    new Basis(context)
        .confirm(
            "environment",
            fingerprint,
            "in another environment (other versions, threads or processor), where its numbers would"
                + " differ in the last bits");
    context.fingerprint(fingerprint);
    return found;
  }

  private Material material(RunContext context) {
    Experiment experiment = context.run().experiment();
    JsonNode environment = environment(context);
    context.renewed("download", 0, watch -> download(context, experiment));
    JsonNode prepared = context.renewed("prepare", 0, watch -> prepare(context, experiment));
    PreparedSet set = PreparedSet.open(Path.of(prepared.path("path").asText()));
    String digest = prepared.path("model_digest").asText();
    Basis basis = new Basis(context);
    basis.confirm("data", set.digest(), "with other data than " + set.folder() + " holds now");
    basis.confirm("model", digest, "with another pre-trained model");
    store.record(context.id(), "environment", Provenance.describe(environment));
    context.recordData(set);
    store.record(
        context.id(),
        "model",
        Json.object().put("source", experiment.model().source()).put("digest", digest));
    return new Material(set, Path.of(prepared.path("model_path").asText()), digest);
  }

  private ObjectNode download(RunContext context, Experiment experiment) {
    ObjectNode record = Json.object();
    record.set("model", fetch(context, experiment.model()));
    record.set("task", fetch(context, experiment.task().source()));
    // Nobody should train for days to learn that the questions are not there.
    for (BenchmarkSpec benchmark : experiment.evaluate()) {
      fetch(context, new SourceSpec(benchmark.source(), null));
      if (benchmark.examples() != null) {
        fetch(context, new SourceSpec(benchmark.examples(), null));
      }
    }
    boolean cached =
        record.path("model").path("cached").asBoolean()
            && record.path("task").path("cached").asBoolean();
    return record.put("summary", cached ? "cached" : "fetched");
  }

  private JsonNode fetch(RunContext context, SourceSpec source) {
    Map<String, Object> request = source(source);
    request.put("cache", cache.toString());
    return context.call("fetch", request);
  }

  private ObjectNode prepare(RunContext context, Experiment experiment) {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("model", source(experiment.model()));
    request.put("task", ModelSession.plain(experiment.resolved().path("task")));
    request.put("cache", cache.toString());
    ObjectNode record = (ObjectNode) context.call("prepare", request);
    return record.put("summary", record.path("cached").asBoolean() ? "cached" : "prepared");
  }

  private static Map<String, Object> source(SourceSpec source) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("source", source.source());
    values.put("sha256", source.sha256());
    return values;
  }

  /**
   * Checks what only the opened model can tell, for every run still to be done, before the first
   * one trains: nobody should wait for a baseline to learn that the limits of the next run are
   * impossible.
   */
  private void check(RunContext context, Material material, List<PlannedRun> plan) {
    for (PlannedRun run : plan) {
      if (run.method() instanceof GloraSpec spec
          && run.experiment().equals(context.run().experiment())
          && checked.add(spec)) {
        new GloraRun(context, material, spec).check();
      }
    }
  }

  private void method(RunContext context, Material material) {
    MethodSpec method = context.run().method();
    if (method instanceof HeadSpec spec) {
      new HeadRun(context, material, spec).run();
    } else if (method instanceof DirectSpec spec) {
      new DirectRun(context, material, spec).run();
    } else if (method instanceof GloraSpec spec) {
      new GloraRun(context, material, spec).run();
    }
  }
}
