package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.Json;
import dev.glora.files.FileDigest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A clean-up removes what nothing refers to, and never what a run has. */
class GarbageTest {
  @TempDir Path runs;
  private RunStore store;
  private final String run = Runs.plan().get(0).id();
  private final String other = Runs.plan().get(1).id();

  @BeforeEach
  void open() throws IOException {
    store = RunStore.open(runs);
    store.upsert(Runs.plan().get(0));
    store.upsert(Runs.plan().get(1));
    Files.createDirectories(runs.resolve(run));
    Files.createDirectories(runs.resolve(other));
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Path file(String of, String name, String text) throws IOException {
    Path file = runs.resolve(of).resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private String add(String of, Path file) {
    return store.artifacts(runs).add(of, runs.resolve(of), file);
  }

  private List<Garbage.Item> collect(boolean checkpoints) {
    Garbage garbage = store.garbage(runs);
    return garbage.remove(garbage.find(checkpoints));
  }

  @Test
  void artifactIsFoundByItsContentsAndKeptOnce() throws IOException {
    String digest = add(run, file(run, "final-train/a.bin", "same"));

    assertThat(add(other, file(other, "final-train/b.bin", "same"))).isEqualTo(digest);
    assertThat(store.artifacts(runs).of(run))
        .containsExactly(new Artifact(run, "final-train/a.bin", digest, 4));
    assertThat(store.artifacts(runs).of(other)).hasSize(1);
    assertThat(store.artifacts(runs).find(digest).orElseThrow()).hasContent("same");
    assertThat(store.artifacts(runs).find("0".repeat(64))).isEmpty();
  }

  @Test
  void changedArtifactIsNotFoundAndMendedByTheNextThatHasItsContents() throws IOException {
    Path file = file(run, "a.bin", "good");
    String digest = add(run, file);
    Files.writeString(file, "changed in place");

    assertThat(store.artifacts(runs).find(digest)).isEmpty();
    add(other, file(other, "b.bin", "good"));
    assertThat(store.artifacts(runs).find(digest).orElseThrow()).hasContent("good");
  }

  @Test
  void artifactOfARunStaysAlsoWhenItsFolderIsGone() throws IOException {
    Path file = file(run, "a.bin", "kept");
    String digest = add(run, file);
    Files.delete(file);

    assertThat(collect(true)).isEmpty();
    assertThat(store.artifacts(runs).find(digest)).isPresent();
  }

  @Test
  void artifactOfARunThatStartedAnewGoesOnceNoFileSharesIt() throws IOException {
    Path file = file(run, "a.bin", "old");
    String digest = add(run, file);
    store.restart(run);
    assertThat(collect(false)).isEmpty();
    Files.delete(file);

    assertThat(store.garbage(runs).find(false))
        .containsExactly(new Garbage.Item("artifact", store.artifacts(runs).place(digest), 3));
    assertThat(store.artifacts(runs).find(digest)).isPresent();
    assertThat(collect(false)).hasSize(1);
    assertThat(store.artifacts(runs).find(digest)).isEmpty();
    assertThat(collect(false)).isEmpty();
  }

  @Test
  void contentsThatARunAddedMeanwhileAreNotRemoved() throws IOException {
    Path file = file(run, "a.bin", "again");
    String digest = add(run, file);
    store.restart(run);
    Files.delete(file);
    Garbage garbage = store.garbage(runs);
    List<Garbage.Item> found = garbage.find(false);

    add(other, file(other, "b.bin", "again"));
    Files.delete(runs.resolve(other).resolve("b.bin"));

    assertThat(garbage.remove(found)).isEmpty();
    assertThat(store.artifacts(runs).find(digest)).isPresent();
  }

  @Test
  void temporariesGoWhenOldAndNobodyWorksThere() throws IOException {
    Path old = file(run, "state/.x.json.tmp", "cut");
    Path young = file(run, "state/.y.json.tmp", "cut");
    Path busy = file(other, ".z.json.tmp", "cut");
    FileTime hours = FileTime.from(Instant.now().minus(Duration.ofHours(2)));
    Files.setLastModifiedTime(old, hours);
    Files.setLastModifiedTime(busy, hours);

    try (FileChannel channel =
            FileChannel.open(
                runs.resolve(other).resolve(Liveness.LOCK),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        var lock = channel.lock()) {
      assertThat(lock.isValid()).isTrue();
      assertThat(collect(false)).extracting(Garbage.Item::path).containsExactly(old);
    }
    assertThat(young).exists();
    assertThat(busy).exists();
    assertThat(collect(false)).extracting(Garbage.Item::path).containsExactly(busy);
  }

  @Test
  void checkpointsOfFinishedRunsGoOnRequestAndTheirResultsStay() throws IOException {
    Path result = file(run, "final-train/a.bin", "result");
    add(run, result);
    file(run, "state/weights.safetensors", "weights");
    Path needed = file(other, "state/weights.safetensors", "weights");
    store.status(run, RunStatus.FINISHED, "");
    store.status(other, RunStatus.INTERRUPTED, "");

    assertThat(collect(false)).isEmpty();
    assertThat(collect(true))
        .containsExactly(new Garbage.Item("checkpoints", runs.resolve(run).resolve("state"), 7));
    assertThat(result).hasContent("result");
    assertThat(needed).exists();
  }

  @Test
  void folderThatTheStoreDoesNotKnowIsToldOfAndLeftAlone() throws IOException {
    Path strange = file("demo-head-s0-01234567", "final-train/a.bin", "somebody's");
    Files.createDirectories(runs.resolve("notes"));

    assertThat(store.garbage(runs).unknown())
        .containsExactly(runs.resolve("demo-head-s0-01234567"));
    assertThat(collect(true)).isEmpty();
    assertThat(strange).exists();
  }

  /** Ends its process at a commit of a clean-up. */
  static final class Killed {
    private Killed() {}

    /** Cleans up and ends before or after the n-th commit. */
    public static void main(String[] arguments) {
      Path runs = Path.of(arguments[0]);
      boolean after = arguments[1].equals("after");
      int[] left = {Integer.parseInt(arguments[2])};
      RunStore store = RunStore.open(runs);
      store.onCommit(
          (run, what, done) -> {
            if (done == after && left[0]-- == 0) {
              Runtime.getRuntime().halt(9);
            }
          });
      Garbage garbage = store.garbage(runs);
      garbage.remove(garbage.find(true));
    }
  }

  @Test
  void killedCleanUpIsFinishedByTheNextAndHarmsNothing() throws Exception {
    for (String moment : List.of("before", "after")) {
      for (int commit = 0; commit < 3; commit++) {
        String kept = add(run, file(run, "final-train/a.bin", "kept"));
        for (String text : List.of("one", "two")) {
          Path file = file(other, text, text);
          add(other, file);
          Files.delete(file);
        }
        store.restart(other);
        store.record(run, "data", Json.object());

        assertThat(kill(moment, commit)).isEqualTo(9);

        collect(true);
        assertThat(store.garbage(runs).find(true)).isEmpty();
        assertThat(store.artifacts(runs).find(kept)).isPresent();
        assertThat(FileDigest.of(runs.resolve(run).resolve("final-train/a.bin"))).isEqualTo(kept);
        assertThat(store.artifacts(runs).find(Json.sha256("one"))).isEmpty();
        assertThat(store.artifacts(runs).find(Json.sha256("two"))).isEmpty();
        assertThat(rows()).isEqualTo(1);
      }
    }
  }

  private long rows() throws java.sql.SQLException {
    try (var connection =
            java.sql.DriverManager.getConnection(
                "jdbc:sqlite:" + runs.resolve(SqliteDatabase.FILE));
        var found = connection.createStatement().executeQuery("select count(*) from artifact")) {
      return found.getLong(1);
    }
  }

  private int kill(String moment, int commit) throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Killed.class.getName(),
                runs.toString(),
                moment,
                String.valueOf(commit))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return child.exitValue();
  }
}
