package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.GloraException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.Tensor;
import dev.glora.data.PreparedSet;
import dev.glora.experiment.SamplingSpec;
import dev.glora.experiment.TrainingSpec;
import dev.glora.search.SearchSpace;
import dev.glora.search.StructureSampler;
import dev.glora.train.Checkpoint;
import dev.glora.train.Evaluation;
import dev.glora.train.Evaluator;
import dev.glora.train.ModelSession;
import dev.glora.train.SessionRequest;
import dev.glora.train.TrainingLoop;
import dev.glora.train.Watch;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The memory of the main loop: one place for Java and torch, and none added by a step. */
class ZeroCopyTest {
  private static final int BEFORE = 100;
  private static final int FURTHER = 1000;

  @TempDir static Path temp;
  static PythonRuntime python;
  static PreparedSet set;
  static ModelSession model;

  @BeforeAll
  static void open() throws Exception {
    Path material = Tiny.write(temp.resolve("material"));
    python = Tiny.python();
    python.call("glora.java", "configure", Map.of("threads", 1)).join();
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("model", Map.of("source", "local:" + material.resolve("model")));
    request.put("task", ModelSession.plain(Tiny.experiment(material).resolved().path("task")));
    request.put("cache", temp.resolve("cache").toString());
    Map<?, ?> prepared = (Map<?, ?>) python.call("glora.java", "prepare", request).join();
    set = PreparedSet.open(Path.of((String) prepared.get("path")));
    model =
        ModelSession.open(
            python,
            new SessionRequest(
                "glora",
                Path.of((String) prepared.get("model_path")),
                (String) prepared.get("model_digest"),
                set,
                Map.of("ranks", List.of(1, 2)),
                1,
                "cpu",
                8,
                0));
  }

  @AfterAll
  static void close() {
    model.close();
    python.close();
  }

  @Test
  void torchSeesEveryBufferAtJavasAddress() {
    Map<?, ?> seen =
        (Map<?, ?>) python.call("buffer_addresses", "addresses", model.session()).join();
    assertThat(seen).hasSameSizeAs(model.tensors()).hasSizeGreaterThanOrEqualTo(8);
    for (Map.Entry<String, Tensor> entry : model.tensors().entrySet()) {
      long address = entry.getValue().address();
      assertThat(seen.get(entry.getKey())).as(entry.getKey()).isEqualTo(address);
      assertThat(address % 64).isZero();
    }
  }

  @Test
  void aThousandFurtherStepsAllocateNoDirectMemory() {
    SearchSpace space = new SearchSpace(model.sites(), List.of(1, 2), null, "hadamard");
    StructureSampler sampler = new StructureSampler(space, new SamplingSpec(0, 0, Map.of()), 1);
    TrainingSpec spec =
        new TrainingSpec(BEFORE + FURTHER, 8, 8, 1e-3, 0, 0, 0, 0, 0, BEFORE + FURTHER, 1, false);
    Meter meter = new Meter();
    new TrainingLoop(
            model, set.train(), spec, 1, sampler::draw, new Checkpoint(temp, "loop"), meter)
        .run();
    assertThat(meter.after).isEqualTo(meter.before).isPositive();
  }

  @Test
  void evaluationDoesNotDependOnItsBatchSizeButForRounding() {
    model.structure(new SearchSpace(model.sites(), List.of(1, 2), null, "hadamard").largest());
    Meter meter = new Meter();
    Evaluation eight = new Evaluator(model, set.val(), 8, meter).evaluate();
    Evaluation five = new Evaluator(model, set.val(), 5, meter).evaluate();
    assertThat(eight.maxDifference(five)).isLessThan(1e-4);
    assertThat(eight.identicalPredictions(five)).isEqualTo(set.val().rows());
  }

  /** Looks at the direct memory before the further steps and after them. */
  private static final class Meter implements Watch {
    private long before;
    private long after;

    private static long direct() {
      return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
          .filter(pool -> pool.getName().equals("direct"))
          .mapToLong(BufferPoolMXBean::getMemoryUsed)
          .sum();
    }

    @Override
    public boolean cancelled() {
      return false;
    }

    @Override
    public GloraException cancellation() {
      throw new IllegalStateException("nobody cancels");
    }

    @Override
    public void advance(long done, String note) {
      if (done == BEFORE) {
        before = direct();
      } else if (done == BEFORE + FURTHER) {
        after = direct();
      }
    }

    @Override
    public void saved() {}
  }
}
