package dev.glora.train;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.Json;
import dev.glora.bridge.DType;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonTask;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import dev.glora.data.BatchFiller;
import dev.glora.data.Column;
import dev.glora.data.Split;
import dev.glora.data.Target;
import dev.glora.experiment.EvaluationSpec;
import dev.glora.search.Site;
import dev.glora.search.Structure;
import dev.glora.search.SupportTensor;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model that is open in Python, and the memory that it shares with Java.
 *
 * <p>All buffers are allocated here, once, for the greatest batch, and bound: after that a step
 * carries no data across the border but the session's number.
 *
 * <pre>
 *     codes    i8  [sites, 5]   the structure             loss    f64 [4]          loss, gradient norm
 *     control  i64 [8]          rows, length, step, seed  logits  f32 [B, classes]
 *     rates    f64 [8]          rate, decay, head, clip   labels  i64 [B], or f32 [B, classes]
 *     and each column, flat, B rows of it
 * </pre>
 */
public final class ModelSession implements AutoCloseable {
  static final String MODULE = "glora.java";
  private static final long HEAD_RATE = 1;

  private final PythonRuntime python;
  private final TensorScope scope;
  private final Long id;
  private final List<Site> sites;
  private final int maxRank;
  private final ParameterTotals parameters;
  private final List<String> notes = new ArrayList<>();
  private final int classes;
  private final int capacity;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, Tensor> columns = new LinkedHashMap<>();

  private final ByteBuffer codes;
  private final LongBuffer control;
  private final DoubleBuffer rates;
  private final DoubleBuffer loss;
  private final FloatBuffer logits;

  private ModelSession(PythonRuntime python, SessionRequest request, JsonNode opened) {
    this.python = python;
    this.id = opened.path("session").longValue();
    this.sites = sites(opened.path("sites"));
    this.maxRank = maxRank(opened.path("ranks"));
    this.parameters = totals(opened.path("parameters"));
    opened.path("notes").forEach(note -> notes.add(note.asText()));
    this.classes = request.set().labels().size();
    this.capacity = request.capacity();
    this.scope = python.scope("buffers of " + request.method() + " session " + id);
    this.codes = sites.isEmpty() ? null : codesBuffer();
    this.control = allocate("control", DType.I64, 8).longs();
    this.rates = allocate("rates", DType.F64, 8).doubles();
    for (Column column : request.set().columns()) {
      long elements = Math.multiplyExact(capacity, column.rowElements());
      columns.put(column.name(), allocate(column.name(), column.dtype(), elements));
    }
    Target target = request.set().target();
    allocate("labels", target.dtype(), target.shape(capacity, classes));
    this.loss = allocate("loss", DType.F64, 4).doubles();
    this.logits = allocate("logits", DType.F32, capacity, classes).floats();
  }

  /**
   * Opens a model and binds its buffers.
   *
   * @param python a running interpreter
   * @param request what to open
   * @return the session, to be closed by the caller
   */
  public static ModelSession open(PythonRuntime python, SessionRequest request) {
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("method", request.method());
    arguments.put("model_path", request.modelPath().toString());
    arguments.put("model_digest", request.modelDigest());
    arguments.put("labels", request.set().labels());
    arguments.put("columns", plain(request.set().description().path("columns")));
    if (request.set().description().has("target")) {
      arguments.put("target", plain(request.set().description().path("target")));
    }
    arguments.put("settings", request.settings());
    arguments.put("seed", request.seed());
    arguments.put("device", request.device());
    arguments.put("micro_batch", request.microBatch());
    JsonNode opened =
        Json.MAPPER.valueToTree(PythonCalls.await(python.call(MODULE, "open", arguments)));
    ModelSession session = null;
    try {
      session = new ModelSession(python, request, opened);
      session.call("bind", session.tensors);
      return session;
    } catch (RuntimeException e) {
      release(python, session, opened, e);
      throw e;
    }
  }

  /** Closes what was half opened; what goes wrong at that is noted beside the first error. */
  private static void release(
      PythonRuntime python, ModelSession session, JsonNode opened, RuntimeException error) {
    try {
      if (session == null) {
        PythonCalls.await(python.call(MODULE, "close", opened.path("session").longValue()));
      } else {
        session.close();
      }
    } catch (RuntimeException closing) {
      error.addSuppressed(closing);
    }
  }

  /**
   * Turns JSON into the values that cross into Python.
   *
   * @param json any JSON
   * @return maps, lists, numbers, texts, truth values and nulls
   */
  public static Object plain(JsonNode json) {
    return Json.MAPPER.convertValue(json, Object.class);
  }

  private static List<Site> sites(JsonNode nodes) {
    List<Site> sites = new ArrayList<>();
    for (JsonNode node : nodes) {
      Set<SupportTensor> dead = EnumSet.noneOf(SupportTensor.class);
      node.path("dead").forEach(tensor -> dead.add(SupportTensor.valueOf(tensor.asText())));
      sites.add(
          new Site(
              node.path("name").asText(),
              node.path("in").asInt(),
              node.path("out").asInt(),
              node.path("bias").asBoolean(),
              dead));
    }
    return List.copyOf(sites);
  }

  private static int maxRank(JsonNode ranks) {
    int max = 0;
    for (JsonNode rank : ranks) {
      max = Math.max(max, rank.asInt());
    }
    return max;
  }

  private static ParameterTotals totals(JsonNode node) {
    return new ParameterTotals(
        node.path("trainable").asLong(),
        node.path("adapter").asLong(),
        node.path("head").asLong(),
        node.path("total").asLong());
  }

  private ByteBuffer codesBuffer() {
    return allocate("codes", DType.I8, sites.size(), SupportTensor.COUNT).buffer();
  }

  private Tensor allocate(String name, DType dtype, long... shape) {
    Tensor tensor = scope.allocate(name, dtype, shape);
    tensors.put(name, tensor);
    return tensor;
  }

  /**
   * The sites of the model.
   *
   * @return sites in the order of the codes, none for a method without structures
   */
  public List<Site> sites() {
    return sites;
  }

  /**
   * The greatest rank.
   *
   * @return columns of the scores
   */
  public int maxRank() {
    return maxRank;
  }

  /**
   * The model's entries.
   *
   * @return how many are trained and how many there are
   */
  public ParameterTotals parameters() {
    return parameters;
  }

  /**
   * What of the settings could not be kept.
   *
   * @return sentences for the user
   */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /**
   * The buffers, by the names under which Python has them.
   *
   * @return tensors that live until this session is closed
   */
  public Map<String, Tensor> tensors() {
    return Map.copyOf(tensors);
  }

  /**
   * The session's number in Python.
   *
   * @return number
   */
  public long session() {
    return id;
  }

  int classes() {
    return classes;
  }

  int capacity() {
    return capacity;
  }

  Long id() {
    return id;
  }

  BatchFiller filler(Split split) {
    return new BatchFiller(split, columns, tensors.get("labels"));
  }

  Tensor scores() {
    return scope.allocate(
        "scores", DType.F64, sites.size(), SupportTensor.COUNT, Math.max(1, maxRank));
  }

  /**
   * Sets the structure of what follows.
   *
   * @param structure a structure of the model's sites; ignored by a method without sites
   */
  public void structure(Structure structure) {
    codes(structure.codes());
  }

  void codes(byte[] values) {
    if (codes != null) {
      codes.put(0, values);
    }
  }

  void control(int rows, int length, long step, long seed) {
    control.put(0, rows).put(1, length).put(2, step).put(3, seed);
  }

  void rates(double rate, double decay, double clip) {
    rates.put(0, rate).put(1, decay).put(2, HEAD_RATE).put(3, clip);
  }

  double loss() {
    return loss.get(0);
  }

  void logits(int row, float[] target, int at) {
    logits.get(row * classes, target, at, classes);
  }

  <T> T run(PythonTask<T> task) {
    return PythonCalls.await(python.submit(task));
  }

  /**
   * Makes evaluations of some structures fast, until a weight changes: a structure is merged into
   * scratch weights where its shape makes that faster, and what the structures share is computed
   * once.
   *
   * @param structures those that will be evaluated
   * @param tokens positions of a whole evaluation of one
   * @param settings how to evaluate
   * @return {@code order} in which most is shared, {@code merged_sites}, and {@code rule}, which is
   *     another one wherever the numbers may differ in their last bits
   */
  public JsonNode candidates(List<Structure> structures, long tokens, EvaluationSpec settings) {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("structures", structures.stream().map(Structure::base64).toList());
    request.put("tokens", tokens);
    request.put("cache_mib", settings.cacheMib());
    request.put("forward", settings.forward());
    return Json.MAPPER.valueToTree(call("candidates", request));
  }

  /** Ends what {@link #candidates} began. */
  public void noCandidates() {
    call("candidates", (Object) null);
  }

  /**
   * Sorts the rank columns of every site by their scores, best first, and the scores with them.
   *
   * @param scores f64 [sites, 5, greatest rank]
   */
  void sortRanks(Tensor scores) {
    call("sort_ranks", scores);
  }

  /**
   * Writes weights and optimiser state, whole or not at all.
   *
   * @param file the file
   */
  public void save(Path file) {
    call("state_save", file.toString());
  }

  /**
   * Reads what {@link #save} wrote.
   *
   * @param file the file
   */
  public void load(Path file) {
    call("state_load", file.toString());
  }

  /**
   * Draws fresh weights, forgets the optimiser's state, or both.
   *
   * @param weights whether to draw fresh weights
   * @param optimizer whether to forget the optimiser's state
   * @param seed seed of the fresh weights
   */
  public void reset(boolean weights, boolean optimizer, long seed) {
    call("reset", Map.of("weights", weights, "optimizer", optimizer, "seed", seed));
  }

  /**
   * Writes the adapter under the current structure.
   *
   * @param folder a folder, made anew
   * @return {@code digest}, {@code entries} (the head's not among them) and {@code files}
   */
  public JsonNode exportAdapter(Path folder) {
    return Json.MAPPER.valueToTree(call("export_adapter", folder.toString()));
  }

  /**
   * Entries of the adapter as trained, which a method that cuts ranks on the way knows only then.
   *
   * @param stored entries of the adapter's file, the head's not among them
   * @param folded entries that remain of them once those are folded that add up to one
   */
  public record Counts(long stored, long folded) {}

  /**
   * Counts the adapter's entries as it stands.
   *
   * @return the counts of a method without sites
   */
  public Counts counts() {
    JsonNode counts = Json.MAPPER.valueToTree(call("counts"));
    return new Counts(counts.path("stored").longValue(), counts.path("folded").longValue());
  }

  /**
   * Folds the current structure into the body, for good: after that this session evaluates the
   * plain model and trains no more.
   *
   * @return what changed, {@code max_abs_weight_change} among it
   */
  public JsonNode merge() {
    return Json.MAPPER.valueToTree(call("merge"));
  }

  /**
   * Writes the merged model as an ordinary model folder.
   *
   * @param folder a folder, made anew
   * @return {@code digest} of the weights
   */
  public JsonNode exportMerged(Path folder) {
    return Json.MAPPER.valueToTree(call("export_merged", folder.toString()));
  }

  private Object call(String function, Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = id;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return PythonCalls.await(python.call(MODULE, function, all));
  }

  /** Lets go of the model, then of the memory. */
  @Override
  public void close() {
    try (scope) {
      call("close");
    }
  }
}
