package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.CheckRecord;
import dev.glora.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that write to one store at once: none is told that it is locked, nothing is lost. */
class ManyWritersTest {
  private static final int PROCESSES = 8;
  private static final int MINUTES = 15;

  @TempDir Path runs;

  /** One of the processes. */
  static final class Writer {
    private Writer() {}

    /**
     * Takes a lease for each of its trials, enters the trial under it and gives the lease back, as
     * a worker does.
     *
     * @param arguments folder of the runs, URL of the store or {@code -}, number of this process,
     *     trials of all processes together
     */
    public static void main(String[] arguments) {
      int worker = Integer.parseInt(arguments[2]);
      int trials = Integer.parseInt(arguments[3]);
      String run = Runs.plan().get(0).id();
      String url = arguments[1].equals("-") ? "" : arguments[1];
      try (RunStore store = RunStore.open(Path.of(arguments[0]), url)) {
        for (int i = worker; i < trials; i += PROCESSES) {
          String subject = run + "/" + i;
          Lease lease =
              store
                  .leases()
                  .acquire(run, subject, "w" + worker, Duration.ofMinutes(MINUTES))
                  .orElseThrow();
          RunStore own = store.under(lease);
          own.addTrial(new Trial(run, i / 50, i % 50, "k" + i, "AAE=", 0.5, i, 3, 2, 1, "random"));
          store.leases().release(lease);
        }
        // A section that all change: each must see what the others wrote.
        store.add(run, "timings.writers", 1);
      }
    }
  }

  private double write(String url, int trials) throws IOException, InterruptedException {
    String run = Runs.plan().get(0).id();
    try (RunStore store = RunStore.open(runs, url)) {
      store.upsert(Runs.plan().get(0));
    }
    long begin = System.nanoTime();
    List<Process> processes = new ArrayList<>();
    for (int worker = 0; worker < PROCESSES; worker++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-Xmx128m",
                  "-XX:+UseSerialGC",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Writer.class.getName(),
                  runs.toString(),
                  url.isEmpty() ? "-" : url,
                  String.valueOf(worker),
                  String.valueOf(trials))
              .redirectErrorStream(true)
              .redirectOutput(runs.resolve("writer-" + worker + ".txt").toFile())
              .start());
    }
    for (int worker = 0; worker < PROCESSES; worker++) {
      boolean ended = processes.get(worker).waitFor(MINUTES, TimeUnit.MINUTES);
      processes.get(worker).destroyForcibly();
      String output = Files.readString(runs.resolve("writer-" + worker + ".txt"));
      assertThat(ended).isTrue();
      assertThat(processes.get(worker).exitValue()).as(output).isZero();
      assertThat(output).doesNotContainIgnoringCase("locked").doesNotContain("Exception");
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    try (RunStore store = RunStore.open(runs, url)) {
      Set<Double> found = new HashSet<>();
      store.trials(run).forEach(trial -> found.add(trial.loss()));
      assertThat(found).hasSize(trials);
      assertThat(store.section(run, "timings.writers").orElseThrow().intValue())
          .isEqualTo(PROCESSES);
      assertThat(store.leases().of(run)).isEmpty();
    }
    return seconds;
  }

  @Test
  void sqliteLosesNothing() throws IOException, InterruptedException {
    assertThat(write("", 400)).isPositive();
  }

  @Test
  void postgresqlLosesNothing() throws IOException, InterruptedException, SQLException {
    try (TestDatabase server = TestDatabase.start()) {
      assertThat(write(server.create(), 400)).isPositive();
    }
  }

  @Test
  @Tag("slow")
  void tenThousandTrialsInSqlite() throws IOException, InterruptedException {
    int trials = 10_000;

    double seconds = write("", trials);

    CheckRecord.write(
        "many-writers.json",
        Json.object()
            .put("store", "SQLite")
            .put("processes", PROCESSES)
            .put("trials", trials)
            .put("lost", 0)
            .put("locked", 0)
            .put("transactions", 3 * trials + PROCESSES)
            .put("seconds", Math.round(seconds * 10) / 10.0));
  }
}
