package dev.glora.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.report.FilledStore;
import dev.glora.store.RunStatus;
import dev.glora.store.RunStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BundleTest {
  @TempDir Path folder;
  private Path runs;
  private Path elsewhere;
  private Path bundle;
  private String run;

  @BeforeEach
  void bundle() throws IOException {
    runs = folder.resolve("runs");
    elsewhere = folder.resolve("elsewhere");
    bundle = folder.resolve("run.glora");
    Path data = Files.createDirectories(folder.resolve("data/inner"));
    Files.writeString(data.resolve("rows.txt"), "rows");
    Path model = Files.writeString(folder.resolve("model.bin"), "model");
    run =
        FilledStore.fill(runs, "", "task.source=local:" + data.getParent(), "model=local:" + model)
            .get(2)
            .id();
    file("structure.json", "{}");
    file("state/stages/train.json", "{}");
    file("final-inherit/adapter/adapter.safetensors", "adapter");
    file("final-inherit/model/model.safetensors", "merged");
    glora(runs).bundle(run, bundle, false);
  }

  private void file(String name, String text) throws IOException {
    Path file = runs.resolve(run).resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static Glora glora(Path runs) {
    return Glora.builder().runs(runs).build();
  }

  private static ObjectNode document(Path runs, String run) {
    ObjectNode document = (ObjectNode) glora(runs).show(run).json();
    document.remove(List.of("folder", "created", "started", "changed"));
    // Numbers of their store.
    document.path("test_openings").forEach(each -> ((ObjectNode) each).remove("id"));
    return document;
  }

  @Test
  void runIsTheSameOnTheOtherMachine() throws IOException {
    Answer imported = glora(elsewhere).importBundle(bundle);

    assertThat(imported.at("/imported").asBoolean()).isTrue();
    assertThat(document(elsewhere, run)).isEqualTo(document(runs, run));
    try (RunStore here = RunStore.open(runs);
        RunStore there = RunStore.open(elsewhere)) {
      assertThat(there.trials(run)).isEqualTo(here.trials(run)).isNotEmpty();
      assertThat(there.find(run)).map(row -> row.key()).isEqualTo(here.find(run).map(r -> r.key()));
    }
    Path home = elsewhere.resolve(run);
    assertThat(home.resolve("final-inherit/adapter/adapter.safetensors")).hasContent("adapter");
    assertThat(home.resolve("final-inherit/model")).doesNotExist();
    assertThat(home.resolve("state")).doesNotExist();
    assertThat(home.resolve("report.md")).exists();
    try (Stream<Path> sources = Files.walk(home.resolve("sources"))) {
      assertThat(sources.filter(Files::isRegularFile)).hasSize(2);
    }
  }

  @Test
  void secondImportChangesNothing() {
    glora(elsewhere).importBundle(bundle);

    Answer again = glora(elsewhere).importBundle(bundle);

    assertThat(again.at("/imported").asBoolean()).isFalse();
    assertThat(again.text()).contains("is there already, finished and equal");
  }

  @Test
  void importedRunCanBeBundledAgainThoughItsSourcesAreElsewhere() throws IOException {
    glora(elsewhere).importBundle(bundle);
    Files.delete(folder.resolve("model.bin"));
    Path second = folder.resolve("second.glora");

    Answer answer = glora(elsewhere).bundle(run, second, false);

    Answer first = glora(folder.resolve("third")).importBundle(second);
    assertThat(first.at("/run").asText()).isEqualTo(run);
    assertThat(answer.at("/files").asInt()).isEqualTo(manifest().path("files").size());
  }

  @Test
  void importThatWasKilledIsDoneAgain() throws IOException {
    glora(elsewhere).importBundle(bundle);
    try (RunStore store = RunStore.open(elsewhere)) {
      store.status(run, RunStatus.PLANNED, "");
      store.restart(run);
    }
    Files.createDirectories(elsewhere.resolve(".import-" + run).resolve("half"));

    glora(elsewhere).importBundle(bundle);

    assertThat(document(elsewhere, run)).isEqualTo(document(runs, run));
    assertThat(elsewhere.resolve(".import-" + run)).doesNotExist();
  }

  @Test
  void mergedModelsGoInWhenAskedFor() throws IOException {
    Path large = folder.resolve("large.glora");

    glora(runs).bundle(run, large, true);

    glora(elsewhere).importBundle(large);
    assertThat(elsewhere.resolve(run).resolve("final-inherit/model/model.safetensors"))
        .hasContent("merged");
  }

  @Test
  void equalRunsGiveEqualBundles() {
    Path again = folder.resolve("again.glora");

    glora(runs).bundle(run, again, false);

    assertThat(again).hasSameBinaryContentAs(bundle);
    assertThatThrownBy(() -> glora(runs).bundle(run, again, false))
        .hasMessageContaining("is there already");
  }

  /** Refused in one sentence, or, where nothing that counts was hit, the same run. */
  private void refusedOrEqual(byte[] bytes, String what) throws IOException {
    Path target = folder.resolve("target-" + what);
    Path file = Files.write(folder.resolve(what + ".glora"), bytes);
    try {
      glora(target).importBundle(file);
      assertThat(document(target, run)).as(what).isEqualTo(document(runs, run));
    } catch (GloraException e) {
      assertThat(e.code()).as(what).isEqualTo(ExitCode.USAGE);
      assertThat(Failure.of(e).sentence()).as(what).endsWith(".").contains(file.toString());
      if (Files.exists(target)) {
        try (Stream<Path> left = Files.list(target)) {
          assertThat(left)
              .as(what)
              .allMatch(path -> path.getFileName().toString().startsWith("glora.db"));
        }
        assertThat(glora(target).list(RunFilter.ALL).at("/total").asInt()).as(what).isZero();
      }
    }
  }

  @Test
  void cutBundleIsRefused() throws IOException {
    byte[] bytes = Files.readAllBytes(bundle);
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 40; i++) {
      int length = random.nextInt(bytes.length);
      Path file = Files.write(folder.resolve("cut.glora"), Arrays.copyOf(bytes, length));

      GloraException e =
          catchThrowableOfType(GloraException.class, () -> glora(elsewhere).importBundle(file));

      assertThat(e).as("cut at " + length).isNotNull();
      assertThat(e.code()).isEqualTo(ExitCode.USAGE);
      assertThat(elsewhere).doesNotExist();
    }
  }

  @Test
  void changedBytesAreNoticed() throws IOException {
    byte[] bytes = Files.readAllBytes(bundle);
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 60; i++) {
      byte[] changed = bytes.clone();
      changed[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      refusedOrEqual(changed, "flip" + i);
    }
  }

  private ObjectNode manifest() throws IOException {
    try (ZipFile zip = new ZipFile(bundle.toFile());
        InputStream in = zip.getInputStream(zip.getEntry("bundle.json"))) {
      return (ObjectNode) Json.MAPPER.readTree(in);
    }
  }

  /** What someone who knows the format may try; the manifest's digest is made to fit. */
  static Stream<Arguments> forgeries() {
    return Stream.of(
        forgery("\"run/../../evil\"", (m, e) -> add(m, e, "run/../../evil")),
        forgery("\"/etc/evil\"", (m, e) -> add(m, e, "/etc/evil")),
        forgery("\"run/a\\..\\b\"", (m, e) -> add(m, e, "run/a\\..\\b")),
        forgery("\"run/C:/evil\"", (m, e) -> add(m, e, "run/C:/evil")),
        forgery("\"run//a\"", (m, e) -> add(m, e, "run//a")),
        forgery("\"glora.db\"", (m, e) -> add(m, e, "glora.db")),
        forgery("\"run/extra\" that it does not list", (m, e) -> e.put("run/extra", "x")),
        forgery("it lacks its entry run/structure.json", (m, e) -> e.remove("run/structure.json")),
        forgery(
            "run/structure.json has not the size", (m, e) -> e.put("run/structure.json", "{  }")),
        forgery(
            "run/structure.json has not the digest", (m, e) -> e.put("run/structure.json", "[]")),
        forgery("has version 2", (m, e) -> m.put("version", 2)),
        forgery("its format is not glora-bundle", (m, e) -> m.put("format", "other")),
        forgery(
            "has not the key that its configuration gives",
            (m, e) -> m.withObject("/run/resolved").put("name", "other")),
        forgery(
            "has not the key that its configuration gives",
            (m, e) -> m.withObject("/run").put("id", "../" + m.at("/run/id").asText())));
  }

  private static Arguments forgery(
      String words, BiConsumer<ObjectNode, Map<String, String>> change) {
    return Arguments.of(words, change);
  }

  private static void add(ObjectNode manifest, Map<String, String> entries, String name) {
    entries.put(name, "evil");
    manifest
        .withArray("files")
        .addObject()
        .put("name", name)
        .put("size", 4)
        .put("sha256", Json.sha256("evil"));
  }

  @ParameterizedTest
  @MethodSource("forgeries")
  void forgedBundleIsRefusedAndNothingIsWritten(
      String words, BiConsumer<ObjectNode, Map<String, String>> change) throws IOException {
    ObjectNode manifest = manifest();
    Map<String, String> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(bundle.toFile())) {
      for (ZipEntry each : Collections.list(zip.entries())) {
        entries.put(
            each.getName(),
            new String(zip.getInputStream(each).readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    manifest.remove("digest");
    change.accept(manifest, entries);
    manifest.put("digest", Json.digest(manifest));
    entries.put("bundle.json", Json.text(manifest));
    Path forged = folder.resolve("forged.glora");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(forged))) {
      for (var each : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(each.getKey()));
        zip.write(each.getValue().getBytes(StandardCharsets.UTF_8));
      }
    }

    assertThatThrownBy(() -> glora(elsewhere).importBundle(forged))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining(words);
    assertThat(folder.resolve("evil")).doesNotExist();
    assertThat(elsewhere.resolve("evil")).doesNotExist();
    assertThat(elsewhere.resolve(run)).doesNotExist();
  }

  @Test
  void missingThingsAreSaid() throws IOException {
    assertThatThrownBy(() -> glora(elsewhere).importBundle(folder.resolve("none.glora")))
        .hasMessageStartingWith("There is no bundle ");
    Files.createDirectories(elsewhere.resolve(run));
    assertThatThrownBy(() -> glora(elsewhere).importBundle(bundle))
        .hasMessageContaining("is there, and no run of that name is in the store");
    Files.delete(folder.resolve("model.bin"));
    assertThatThrownBy(() -> glora(runs).bundle(run, folder.resolve("b.glora"), false))
        .hasMessageContaining("is gone, so a bundle could not be reproduced");
  }
}
