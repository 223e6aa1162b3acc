package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
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
import dev.glora.train.ModelSession;
import dev.glora.train.PythonCalls;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The stages of one run: download, prepare, [features], supernet or train, score, search, and for
 * each final: final, merge, test.
 *
 * <p>A finished stage is written down and never done again; an unfinished one goes on from its last
 * checkpoint. So doing the same run again resumes it, whatever ended it.
 */
final class RunStages {
  private final RunContext context;
  private final Set<MethodSpec> checked;
  private final List<PlannedRun> plan;

  /**
   * Makes the stages.
   *
   * @param context the run
   * @param checked methods whose limits were checked already; it grows
   * @param plan the runs that the same call does
   */
  RunStages(RunContext context, Set<MethodSpec> checked, List<PlannedRun> plan) {
    this.context = context;
    this.checked = checked;
    this.plan = plan;
  }

  /** Does what is left of them. */
  void run() {
    Material material = material();
    check(material);
    MethodSpec method = context.run().method();
    if (method instanceof HeadSpec spec) {
      new HeadRun(context, material, spec).run();
    } else if (method instanceof DirectSpec spec) {
      new DirectRun(context, material, spec).run();
    } else if (method instanceof GloraSpec spec) {
      new GloraRun(context, material, spec).run();
    }
  }

  /**
   * Fixes threads and kernels, and describes where an interpreter computes.
   *
   * @param python the interpreter
   * @param device the device there
   * @param run the run whose settings count
   * @param microBatch rows of a micro-batch, 0 for whole batches
   * @return the environment with its {@code fingerprint}, which smaller micro-batches change: they
   *     cut the sums in other places
   */
  static ObjectNode environment(
      PythonRuntime python, String device, PlannedRun run, int microBatch) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("threads", run.experiment().runtime().threads());
    settings.put("deterministic", true);
    PythonCalls.await(python.call("glora.java", "configure", settings));
    ObjectNode found =
        Json.MAPPER.valueToTree(
            PythonCalls.await(python.call("glora.java", "environment", Map.of("device", device))));
    if (microBatch > 0) {
      found.put("micro_batch", microBatch);
      found.put("fingerprint", Json.digest(found));
    }
    return found;
  }

  private ObjectNode environment() {
    ObjectNode found =
        environment(
            context.post().python(), context.device(), context.run(), context.post().microBatch());
    String fingerprint = found.path("fingerprint").asText();
    new Basis(context)
        .confirm(
            "environment",
            fingerprint,
            "in another environment (other versions, threads, micro-batches or processor), where"
                + " its numbers would differ in the last bits");
    context.fingerprint(fingerprint);
    return found;
  }

  private Material material() {
    Experiment experiment = context.run().experiment();
    JsonNode environment = environment();
    context.renewed("download", 0, watch -> download(experiment));
    JsonNode prepared = context.renewed("prepare", 0, watch -> prepare(experiment));
    PreparedSet set = PreparedSet.open(Path.of(prepared.path("path").asText()));
    for (var cut : set.description().path("cut").properties()) {
      context
          .listener()
          .message(
              cut.getValue()
                  + " of the "
                  + set.description().path("splits").path(cut.getKey()).path("rows")
                  + " texts of "
                  + cut.getKey()
                  + " are longer than task.max_length and were cut.");
    }
    String digest = prepared.path("model_digest").asText();
    Basis basis = new Basis(context);
    basis.confirm("data", set.digest(), "with other data than " + set.folder() + " holds now");
    basis.confirm("model", digest, "with another pre-trained model");
    context.store().record(context.id(), "environment", Provenance.describe(environment));
    context.recordData(set);
    context
        .store()
        .record(
            context.id(),
            "model",
            Json.object().put("source", experiment.model().source()).put("digest", digest));
    return new Material(set, Path.of(prepared.path("model_path").asText()), digest);
  }

  private ObjectNode download(Experiment experiment) {
    ObjectNode record = Json.object();
    record.set("model", fetch(experiment.model()));
    record.set("task", fetch(experiment.task().source()));
    // Nobody should train for days to learn that the questions are not there.
    for (BenchmarkSpec benchmark : experiment.evaluate()) {
      fetch(new SourceSpec(benchmark.source(), null));
      if (benchmark.examples() != null) {
        fetch(new SourceSpec(benchmark.examples(), null));
      }
    }
    boolean cached =
        record.path("model").path("cached").asBoolean()
            && record.path("task").path("cached").asBoolean();
    return record.put("summary", cached ? "cached" : "fetched");
  }

  private JsonNode fetch(SourceSpec source) {
    Map<String, Object> request = source(source);
    request.put("cache", context.cache().toString());
    return context.call("fetch", request);
  }

  private ObjectNode prepare(Experiment experiment) {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("model", source(experiment.model()));
    request.put("task", ModelSession.plain(experiment.resolved().path("task")));
    request.put("cache", context.cache().toString());
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
  private void check(Material material) {
    for (PlannedRun run : plan) {
      if (run.method() instanceof GloraSpec spec
          && run.experiment().equals(context.run().experiment())
          && checked.add(spec)) {
        new GloraRun(context, material, spec).check();
      }
    }
  }
}
