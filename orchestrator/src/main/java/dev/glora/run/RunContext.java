package dev.glora.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonRuntime;
import dev.glora.data.Derived;
import dev.glora.data.PreparedSet;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.RuntimeSpec;
import dev.glora.experiment.TrainingSpec;
import dev.glora.files.FileDigest;
import dev.glora.store.RunStore;
import dev.glora.train.Checkpoint;
import dev.glora.train.ModelSession;
import dev.glora.train.PythonCalls;
import dev.glora.train.SessionRequest;
import dev.glora.train.Watch;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run at work: its folder, its records, and how its stages are done. */
final class RunContext {
  private static final Logger LOG = LoggerFactory.getLogger(RunContext.class);
  private static final String STAGE = "STAGE";
  private static final long CANCEL_POLL_MILLIS = 200;
  private static final long WORTH_A_COMMIT_NANOS = 1_000_000_000;

  private final PlannedRun run;
  private final RunStore store;
  private final RunFolder folder;
  private final Post post;
  private final RunListener listener;
  private final CancelToken cancel;
  private final StageRecords records;
  private String fingerprint = "";
  private volatile int rowsAtOnce;

  RunContext(PlannedRun run, RunStore store, RunFolder folder, Post post, RunListener listener) {
    this.run = run;
    this.store = store;
    this.folder = folder;
    this.post = post;
    this.listener = listener;
    this.cancel = post.premises().cancel();
    this.records = new StageRecords(folder);
  }

  PlannedRun run() {
    return run;
  }

  String id() {
    return run.id();
  }

  long seed() {
    return run.seed();
  }

  RunStore store() {
    return store;
  }

  RunFolder folder() {
    return folder;
  }

  Path cache() {
    return post.premises().cache();
  }

  RunListener listener() {
    return listener;
  }

  Post post() {
    return post;
  }

  /** Whether to stop: somebody wants it, or the lease of the run is lost. */
  boolean stopped() {
    return cancel.cancelled() || post.lease().end().isPresent();
  }

  /** To wait for another is to go on; says whether to stop, by an exception. */
  boolean waits() {
    post.lease().step();
    if (stopped()) {
      throw stop();
    }
    return false;
  }

  /** The end of what was stopped. */
  GloraException stop() {
    return post.lease().end().orElseGet(cancel::exception);
  }

  /** The device of the run, by the name that it has in the worker. */
  String device() {
    return post.worker().device().nameFor(run.experiment().runtime().device());
  }

  /** Rows that the model opened last computes at once, at most. */
  int rowsAtOnce() {
    return rowsAtOnce;
  }

  String fingerprint() {
    return fingerprint;
  }

  void fingerprint(String value) {
    fingerprint = value;
  }

  Checkpoint checkpoint(String name) {
    return new Checkpoint(folder.state(), name);
  }

  Optional<JsonNode> done(String stage) {
    return records.find(stage);
  }

  /**
   * Does a stage, unless it is done.
   *
   * @param name the stage's name
   * @param total its steps, 0 where that is not known
   * @param work does it; returns its record, whose {@code summary} is told to the listener
   * @return the record, of now or of before
   */
  JsonNode stage(String name, long total, Function<StageWatch, ObjectNode> work) {
    Optional<JsonNode> before = records.find(name);
    if (before.isPresent()) {
      LOG.info("{}: done before", name);
      return before.get();
    }
    return renewed(name, total, work);
  }

  /**
   * Does a stage at every start: one whose result lies in a cache that others may have emptied, and
   * that finds it there by itself.
   *
   * @param name the stage's name
   * @param total its steps, 0 where that is not known
   * @param work does it, as for {@link #stage}
   * @return the record
   */
  JsonNode renewed(String name, long total, Function<StageWatch, ObjectNode> work) {
    if (stopped()) {
      throw stop();
    }
    LOG.info("{}: begins", name);
    post.lease().stage();
    store.event(id(), STAGE, name);
    listener.stage(id(), name, total);
    StageWatch watch = new StageWatch(name);
    ObjectNode record;
    try {
      record = work.apply(watch);
    } catch (RuntimeException | Error e) {
      watch.measureBeside(e);
      throw e;
    }
    watch.measure();
    records.write(name, record);
    String summary = record.path("summary").asText();
    LOG.info("{}: done: {}", name, summary);
    listener.stageDone(summary);
    return record;
  }

  /** Tells the listener, stops on a cancel, and adds up the stage's time and memory. */
  final class StageWatch implements Watch {
    private final String stage;
    private final ProcessMemory memory = new ProcessMemory(post.python().info().pid());
    private long since = System.nanoTime();

    private StageWatch(String stage) {
      this.stage = stage;
      memory.reset();
    }

    @Override
    public boolean cancelled() {
      post.lease().step();
      return stopped();
    }

    @Override
    public GloraException cancellation() {
      return stop();
    }

    /** What follows has no steps: the time that the ones before took says nothing of it. */
    void unmeasured() {
      post.lease().stage();
    }

    @Override
    public void advance(long done, String note) {
      listener.advance(done, note);
    }

    @Override
    public void saved() {
      if (System.nanoTime() - since >= WORTH_A_COMMIT_NANOS) {
        measure();
      }
    }

    /** The end of a stage that failed: a store that fails too must not hide why. */
    private void measureBeside(Throwable error) {
      try {
        measure();
      } catch (RuntimeException e) {
        error.addSuppressed(e);
      }
    }

    /** Adds the time since the last call, so that a kill loses little of it. */
    private void measure() {
      long now = System.nanoTime();
      store.add(id(), "timings." + stage, (now - since) / 1e9);
      store.peak(id(), "memory." + stage, memory.peakMiB());
      since = now;
    }
  }

  /** Calls Python for something that may take long; a cancel interrupts it. */
  JsonNode call(String function, Map<String, Object> request) {
    CompletableFuture<Object> future = post.python().call("glora.java", function, request);
    while (!future.isDone()) {
      try {
        future.get(CANCEL_POLL_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // How long a download or a preparation may take nobody knows: a worker that answers is at
        // it, and one that does not is killed by the bridge.
        post.lease().step();
        if (stopped()) {
          post.python().interrupt();
        }
      } catch (ExecutionException e) {
        throw ending(PythonCalls.translate(e.getCause()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw cancel.exception();
      }
    }
    try {
      return Json.MAPPER.valueToTree(PythonCalls.await(future));
    } catch (GloraException e) {
      throw ending(e);
    }
  }

  /** A call that was interrupted says no more than that: who stopped it knows why. */
  private GloraException ending(GloraException error) {
    return stopped() && error.code() == ExitCode.INTERRUPTED ? stop() : error;
  }

  /** Opens a model in the interpreter of the run, see the next one. */
  ModelSession open(
      String method, Material material, Map<String, Object> settings, TrainingSpec... training) {
    return open(post.python(), method, material, settings, training);
  }

  /**
   * Opens a model for this run.
   *
   * @param python the interpreter of the run, or of a worker that helps with it
   * @param method a name of {@code glora.methods}
   * @param material what it works on
   * @param settings the method's settings
   * @param training gives dropout and batch sizes
   * @return the session, to be closed by the caller
   */
  ModelSession open(
      PythonRuntime python,
      String method,
      Material material,
      Map<String, Object> settings,
      TrainingSpec... training) {
    Map<String, Object> all = new LinkedHashMap<>(settings);
    int capacity = 1;
    for (TrainingSpec spec : training) {
      capacity = Math.max(capacity, Math.max(spec.batchSize(), spec.evalBatchSize()));
    }
    all.put("dropout", training[0].dropout());
    all.put("accumulate", training[0].accumulate());
    all.put("gradient_checkpointing", training[0].gradientCheckpointing());
    int micro = post.microBatch();
    rowsAtOnce = micro == 0 ? capacity : Math.min(micro, capacity);
    RuntimeSpec runtime = run.experiment().runtime();
    all.put("precision", runtime.precision());
    return ModelSession.open(
        python,
        new SessionRequest(
            method,
            material.modelPath(),
            material.modelDigest(),
            material.set(),
            all,
            weightsSeed("weights"),
            device(),
            capacity,
            micro));
  }

  long weightsSeed(String purpose) {
    // Not negative: seeds of other libraries are natural numbers.
    return Derived.seed(seed(), purpose, 0) >>> 1;
  }

  /** Writes the losses of a training for the reports. */
  void curve(String stage, JsonNode losses) {
    ArrayNode curve = Json.array();
    for (int i = 0; i < losses.size(); i++) {
      curve.addArray().add(i).add(losses.get(i).asDouble());
    }
    store.record(id(), "curve." + stage, curve);
  }

  /** Names a checkpoint's files in a stage's record, which holds only while they are unharmed. */
  void files(ObjectNode record, Checkpoint checkpoint) {
    file(record, checkpoint.file());
    file(record, checkpoint.weights());
  }

  /** Names a file of the run's folder in a stage's record. */
  void file(ObjectNode record, Path file) {
    record.withObject("/files").put(folder.path().relativize(file).toString(), FileDigest.of(file));
  }

  static ArrayNode array(double[] values) {
    ArrayNode array = Json.array();
    for (double value : values) {
      array.add(value);
    }
    return array;
  }

  /** Writes what the data is. */
  void recordData(PreparedSet set) {
    ObjectNode data =
        Json.object().put("digest", set.digest()).put("path", set.folder().toString());
    ObjectNode rows = data.putObject("rows");
    for (var split : set.description().path("splits").properties()) {
      rows.set(split.getKey(), split.getValue().path("rows"));
    }
    set.labels().forEach(data.withArray("labels")::add);
    store.record(id(), "data", data);
  }
}
