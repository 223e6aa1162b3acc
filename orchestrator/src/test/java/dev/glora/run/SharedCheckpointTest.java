package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.bridge.PythonRuntime;
import dev.glora.experiment.PlannedRun;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two runs that search over equal weights, each with a coordinator of its own, on one store. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class SharedCheckpointTest {
  private static final String SEARCH = "search";

  @TempDir Path temp;
  private Path material;
  private PythonRuntime python;

  /** Does something at the first result of the search, and tells when that stage begins. */
  private static final class AtSearch implements RunListener {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final Runnable action;
    private boolean searches;
    private boolean done;

    private AtSearch(Runnable action) {
      this.action = action;
    }

    @Override
    public void stage(String run, String stage, long total) {
      searches = stage.equals(SEARCH);
      if (searches) {
        begun.countDown();
      }
    }

    @Override
    public void advance(long count, String note) {
      if (searches && !done) {
        done = true;
        action.run();
      }
    }
  }

  private PlannedRun plan(int generations) {
    List<PlannedRun> plan =
        Tiny.plan(
            material,
            "methods.glora.final=[inherit]",
            "methods.glora.primary=inherit",
            "methods.glora.search.generations=" + generations);
    return plan.get(plan.size() - 1);
  }

  private void run(Path runs, RunListener listener, PlannedRun run) {
    try (RunStore store = RunStore.open(runs)) {
      Path cache = material.resolve("cache");
      List<RunOutcome> outcomes =
          new ExperimentRunner(store, runs, cache, python, listener, new CancelToken())
              .run(List.of(run));
      assertThat(outcomes).extracting(RunOutcome::status).containsExactly(RunStatus.FINISHED);
    }
  }

  private long batches() {
    return (Long) python.call("evaluation_count", "batches").join();
  }

  @Test
  void noStructureIsEvaluatedByBoth() throws Exception {
    material = Tiny.write(temp.resolve("material"));
    Path after = Files.createDirectories(temp.resolve("after"));
    Path together = Files.createDirectories(temp.resolve("together"));
    PlannedRun shorter = plan(1);
    PlannedRun longer = plan(2);
    try (PythonRuntime open = Tiny.python()) {
      python = open;
      long begin = batches();
      run(after, new AtSearch(() -> {}), shorter);
      long first = batches();
      run(after, new AtSearch(() -> {}), longer);
      long second = batches();

      AtSearch other = new AtSearch(() -> {});
      CompletableFuture<?>[] beside = new CompletableFuture<?>[1];
      AtSearch meanwhile =
          new AtSearch(
              () -> {
                beside[0] = CompletableFuture.runAsync(() -> run(together, other, longer));
                try {
                  other.begun.await();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      run(together, meanwhile, shorter);
      beside[0].join();

      assertThat(batches() - second).isEqualTo(second - begin);
      // Of the first one's, the second one took what it asked for, too.
      assertThat(second - first).isLessThan(2 * (first - begin));
    }
    try (RunStore alone = RunStore.open(after);
        RunStore shared = RunStore.open(together)) {
      for (PlannedRun each : List.of(shorter, longer)) {
        List<Trial> trials = shared.trials(each.id());
        assertThat(trials).isNotEmpty().isEqualTo(alone.trials(each.id()));
      }
      assertThat(shared.trials(longer.id()))
          .extracting(Trial::cacheKey)
          .containsAll(shared.trials(shorter.id()).stream().map(Trial::cacheKey).toList());
    }
  }
}
