package dev.glora.plan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStore;
import dev.glora.store.Timing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Estimates how long runs take from those that are finished.
 *
 * <p>First from runs that did the same work: equal but for seed, name, code and what does not
 * change the number of operations. Where there are none, from runs of the same method with the same
 * model, length of rows and runtime, scaled by the rows that both take through the model.
 */
final class Estimator {
  private static final int MOST_RUNS = 200;

  /** An evaluation has no backward pass, which costs about two forward ones. */
  private static final double FORWARD = 1.0 / 3;

  private static final Set<String> NOT_WORK = Set.of("download", "prepare");
  private static final Set<String> FREE =
      Set.of(
          "code",
          "seeds",
          "seed",
          "name",
          "label",
          "learning_rate",
          "final_learning_rate",
          "warmup_steps",
          "weight_decay",
          "alpha",
          "primary");

  private record Known(String same, String like, double work, double seconds) {}

  private final RunStore store;
  private final Map<String, List<Known>> known = new HashMap<>();

  Estimator(RunStore store) {
    this.store = store;
  }

  Estimate of(PlannedRun run) {
    JsonNode resolved = run.resolved();
    String same = same(resolved);
    String like = like(resolved);
    double work = work(resolved);
    List<Double> equal = new ArrayList<>();
    List<Double> scaled = new ArrayList<>();
    for (Known other : known.computeIfAbsent(run.method().method(), this::load)) {
      if (other.same.equals(same)) {
        equal.add(other.seconds);
      } else if (other.like.equals(like) && other.work > 0) {
        scaled.add(other.seconds * work / other.work);
      }
    }
    if (equal.isEmpty() && scaled.isEmpty()) {
      return Estimate.UNKNOWN;
    }
    List<Double> used = equal.isEmpty() ? scaled : equal;
    double mean = used.stream().mapToDouble(seconds -> seconds).average().orElseThrow();
    String basis =
        (equal.isEmpty() ? "scaled from " : "measured on ")
            + used.size()
            + (used.size() == 1 ? " earlier run" : " earlier runs")
            + (equal.isEmpty() ? " of another size" : "");
    return new Estimate(OptionalDouble.of(mean), basis);
  }

  private List<Known> load(String method) {
    List<Known> out = new ArrayList<>();
    for (Timing timing : store.timings(method, MOST_RUNS)) {
      out.add(
          new Known(
              same(timing.resolved()),
              like(timing.resolved()),
              work(timing.resolved()),
              seconds(timing.stages())));
    }
    return out;
  }

  /** Seconds of the stages that every run does itself, whatever is in the cache. */
  static double seconds(JsonNode stages) {
    double sum = 0;
    for (var stage : stages.properties()) {
      sum += NOT_WORK.contains(stage.getKey()) ? 0 : stage.getValue().asDouble();
    }
    return sum;
  }

  private static String same(JsonNode resolved) {
    JsonNode bare = resolved.deepCopy();
    strip(bare);
    return Json.canonical(bare);
  }

  private static void strip(JsonNode node) {
    if (node instanceof ObjectNode object) {
      object.remove(FREE);
    }
    node.forEach(Estimator::strip);
  }

  private static String like(JsonNode resolved) {
    ObjectNode key = Json.object();
    key.set("model", resolved.path("model"));
    key.set("runtime", resolved.path("runtime"));
    key.set("length", resolved.path("task").path("max_length"));
    key.set("method", resolved.path("methods").path(0).path("method"));
    return Json.canonical(key);
  }

  /** Rows through the model forward and back, evaluations counted by their share of that. */
  private static double work(JsonNode resolved) {
    JsonNode method = resolved.path("methods").path(0);
    JsonNode split = resolved.path("task").path("split");
    double val = split.path("val").asDouble() * FORWARD;
    // Each final goes over val before and after the merge, and over test.
    double last = 2 * val + split.path("test").asDouble() * FORWARD;
    return switch (method.path("method").asText()) {
      case "glora" -> {
        if (method.has("structure")) {
          yield rows(method.path("retrain")) + last;
        }
        JsonNode supernet = method.path("supernet").path("training");
        double work = rows(supernet);
        JsonNode search = method.path("search");
        if (search.path("start").asText().equals("taylor")) {
          work += search.path("score_batches").asDouble() * supernet.path("batch_size").asDouble();
        }
        double structures = search.path("population").asDouble();
        structures *= 1 + search.path("generations").asDouble();
        work += val * (search.path("strategy").asText().equals("none") ? 1 : structures);
        for (JsonNode mode : method.path("final")) {
          work += last + (mode.asText().equals("inherit") ? 0 : rows(method.path(mode.asText())));
        }
        yield work;
      }
      // The body goes over train once; the heads on its features are small beside that.
      case "head" -> split.path("train").asDouble() * FORWARD + last;
      case "majority" -> last;
      default -> rows(method.path("training")) + last;
    };
  }

  private static double rows(JsonNode training) {
    return training.path("steps").asDouble() * training.path("batch_size").asDouble();
  }
}
