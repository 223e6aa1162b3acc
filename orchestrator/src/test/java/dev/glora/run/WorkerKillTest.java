package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.CheckRecord;
import dev.glora.Json;
import dev.glora.store.FinalRow;
import dev.glora.store.RunRow;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import dev.glora.store.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code glora run --workers N}, whose workers, coordinator, or both are killed at drawn moments of
 * a search with real torch evaluations; given again, it ends with what an undisturbed one ends
 * with.
 *
 * <p>{@code -Dglora.kill.seed=N} draws other moments. The full version is tagged {@code slow}, and
 * writes {@code kills.json} into the folder that {@code -Dglora.record} names.
 */
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class WorkerKillTest {
  private static final long SEED = Long.getLong("glora.kill.seed", 20_261_125);

  /** By number of workers; fifty together. */
  private static final Map<Integer, Integer> KILLS = new TreeMap<>(Map.of(1, 16, 2, 17, 4, 17));

  private static final long POLL_NANOS = 1_000_000;
  private static final int MOST_TRIALS_BETWEEN = 3;
  private static final int MOST_MICROS = 400_000;
  private static final int AS_BEGINS = 4;
  private static final int MOST_MICROS_AT_BEGIN = 5_000_000;

  /** Who is killed. */
  private enum Who {
    WORKER,
    COORDINATOR,
    BOTH
  }

  /** A moment: so many evaluations after the last kill or start, and so much later. */
  private record Moment(Who who, int trials, long micros) {}

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path temp;

  private static Path material;

  @BeforeAll
  static void write() throws Exception {
    material = Tiny.write(temp.resolve("material"));
  }

  @Test
  void killedWorkersAndCoordinatorsLeaveTheResultsOfAnUndisturbedSearch() throws Exception {
    Search undisturbed = new Search("short", 4, 2);
    undisturbed.finish(1, List.of());
    SplittableRandom random = new SplittableRandom(SEED);
    List<Moment> plan = new ArrayList<>();
    for (Who who : List.of(Who.WORKER, Who.COORDINATOR, Who.WORKER, Who.BOTH)) {
      plan.add(new Moment(who, 1, random.nextInt(MOST_MICROS)));
    }
    // A fast machine ends a search before all of them: the rest is for the next one.
    int kills = 0;
    for (int i = 0; kills < plan.size(); i++) {
      assertThat(i).as("searches for %d kills", kills).isLessThan(2 * plan.size());
      Search killed = new Search("short-killed-" + i, 4, 2);
      kills += killed.finish(2, plan.subList(kills, plan.size()));
      compare(killed, undisturbed);
    }
  }

  @Test
  @Tag("slow")
  void fiftyKillsOverOneTwoAndFourWorkers() throws Exception {
    Search undisturbed = new Search("undisturbed", 12, 5);
    undisturbed.finish(1, List.of());
    ObjectNode record = Json.object().put("seed", SEED);
    ObjectNode byWorkers = record.putObject("workers");
    for (Map.Entry<Integer, Integer> share : KILLS.entrySet()) {
      int workers = share.getKey();
      SplittableRandom random = new SplittableRandom(SEED + workers);
      long began = System.nanoTime();
      Map<String, Integer> landed = new TreeMap<>();
      int kills = 0;
      int searches = 0;
      int starts = 0;
      int equal = 0;
      int trials = 0;
      int commits = 0;
      while (kills < share.getValue()) {
        List<Moment> plan = new ArrayList<>();
        for (int i = kills; i < share.getValue(); i++) {
          plan.add(draw(random));
        }
        Search killed = new Search("killed-" + workers + "-" + searches++, 12, 5);
        int done = killed.finish(workers, plan);
        plan.subList(0, done)
            .forEach(
                each -> landed.merge(each.who().name().toLowerCase(Locale.ROOT), 1, Integer::sum));
        kills += done;
        starts += killed.starts;
        trials += compare(killed, undisturbed);
        commits += killed.committed;
        equal++;
      }
      byWorkers
          .putObject(String.valueOf(workers))
          .put("kills", kills)
          .put("searches", searches)
          .put("starts", starts)
          .put("finished_with_equal_digests", equal)
          .put("evaluations", trials)
          .put("commits_of_evaluations_seen", commits)
          .put("seconds", Math.round((System.nanoTime() - began) / 1e9))
          .set("killed", Json.MAPPER.valueToTree(landed));
      // What was seen is kept, whatever comes of the next number of workers.
      CheckRecord.write("kills.json", record);
    }
  }

  private static Moment draw(SplittableRandom random) {
    Who who = Who.values()[random.nextInt(Who.values().length)];
    // Some strike while processes start, models are opened or the supernet is trained.
    return random.nextInt(AS_BEGINS) == 0
        ? new Moment(who, 0, random.nextInt(MOST_MICROS_AT_BEGIN))
        : new Moment(who, 1 + random.nextInt(MOST_TRIALS_BETWEEN), random.nextInt(MOST_MICROS));
  }

  /** The command in a folder of its own. */
  private static final class Search {
    private final Path folder;
    private final Path runs;
    private final int population;
    private final int generations;
    private int starts;
    private int committed;

    private Search(String name, int population, int generations) throws IOException {
      this.folder = Files.createDirectories(temp.resolve(name));
      this.runs = folder.resolve("runs");
      this.population = population;
      this.generations = generations;
      String model = "\"local:" + material.resolve("model") + "\"";
      String yaml = Tiny.searchOnly(Tiny.yaml(model, material, 12, 2, 6, 8));
      Files.writeString(folder.resolve("tiny.yaml"), yaml);
    }

    private GloraProcess start(int workers) throws IOException {
      return GloraProcess.start(
          folder,
          ++starts,
          Map.of("GLORA_CACHE", material.resolve("cache").toString(), "HF_HUB_OFFLINE", "1"),
          "run",
          "tiny.yaml",
          "methods.glora.final=[inherit]",
          "methods.glora.primary=inherit",
          "methods.glora.search.population=" + population,
          "methods.glora.search.generations=" + generations,
          "methods.glora.search.mutations=" + population / 2,
          "methods.glora.search.crossovers=" + population / 2,
          "--workers",
          String.valueOf(workers),
          "--attempts",
          "1000",
          "--runs",
          runs.toString(),
          "--python",
          Tiny.EXECUTABLE.toString());
    }

    /** Runs it to its end, killed at these moments; returns how many of them came in time. */
    private int finish(int workers, List<Moment> plan) throws IOException, InterruptedException {
      int hit = 0;
      SplittableRandom random = new SplittableRandom(SEED + plan.size());
      while (true) {
        try (GloraProcess process = start(workers)) {
          int seen = 0;
          boolean again = false;
          while (hit < plan.size() && !again && due(process, plan.get(hit), seen)) {
            again = strike(process, plan.get(hit), random);
            seen = trials(process);
            hit++;
          }
          int status = process.await();
          committed += trials(process);
          if (!again) {
            assertThat(status).as(process.output()).isZero();
            return hit;
          }
          assertThat(status).as(process.output()).isEqualTo(GloraProcess.KILLED);
        }
      }
    }

    /** Waits for a moment; false where the command ended before it. */
    private static boolean due(GloraProcess process, Moment moment, int seen) throws IOException {
      while (process.alive() && trials(process) < seen + moment.trials()) {
        LockSupport.parkNanos(POLL_NANOS);
      }
      LockSupport.parkNanos(1000 * moment.micros());
      return process.alive()
          && process.events().stream().noneMatch(e -> e.stage().contains(":inherit"));
    }

    private static int trials(GloraProcess process) throws IOException {
      return (int)
          process.events().stream()
              .filter(event -> event.stage().equals("store:trial") && event.done() == 1)
              .count();
    }

    /** Kills; says whether the command is to be given again. */
    private static boolean strike(GloraProcess process, Moment moment, SplittableRandom random)
        throws IOException {
      List<ProcessHandle> workers =
          process
              .handle()
              .descendants()
              .filter(each -> each.info().commandLine().orElse("").contains("glora-worker"))
              .toList();
      switch (moment.who()) {
        case WORKER -> {
          if (!workers.isEmpty()) {
            workers.get(random.nextInt(workers.size())).destroyForcibly();
          }
          return false;
        }
        case COORDINATOR -> {
          process.signal("KILL");
          // Theirs is the pipe that ended.
          workers.forEach(each -> each.onExit().orTimeout(15, TimeUnit.SECONDS).join());
          return true;
        }
        default -> {
          process.signalGroup("KILL");
          return true;
        }
      }
    }
  }

  /** Compares everything, and returns the number of evaluations. */
  private static int compare(Search killed, Search undisturbed) throws IOException {
    JsonNode found = results(killed);
    assertThat(found).isEqualTo(results(undisturbed));
    // A kill may take the line of a commit, so there may be fewer of them than rows; a second
    // evaluation of what was committed would make more.
    assertThat(killed.committed).isLessThanOrEqualTo(found.path("trials").size());
    try (Stream<Path> all = Files.walk(killed.runs)) {
      assertThat(all.filter(each -> each.getFileName().toString().contains(".tmp"))).isEmpty();
    }
    return found.path("trials").size();
  }

  /** What the store holds of the one run. */
  private static JsonNode results(Search search) {
    try (RunStore store = RunStore.open(search.runs)) {
      assertThat(store.runs()).hasSize(1);
      RunRow run = store.runs().get(0);
      assertThat(run.status()).isEqualTo(RunStatus.FINISHED);
      assertThat(store.leases().of(run.id())).isEmpty();
      List<Trial> trials = store.trials(run.id());
      assertThat(trials).extracting(Trial::cacheKey).doesNotHaveDuplicates();
      ObjectNode result = Json.object().put("run", run.id());
      trials.forEach(trial -> result.withArray("trials").add(trial.toString()));
      for (FinalRow each : store.finals(run.id())) {
        for (String digest : List.of("structure", "adapter", "merged")) {
          assertThat(each.record().at("/digests/" + digest).asText()).hasSize(64);
        }
        result.withArray("finals").add(each.record());
      }
      result.set("search", store.section(run.id(), "search").orElseThrow());
      return result.put("opened", store.openings(run.id()).size());
    }
  }
}
