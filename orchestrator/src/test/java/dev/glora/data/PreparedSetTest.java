package dev.glora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PreparedSetTest {
  @TempDir Path temp;
  Path folder;

  @BeforeEach
  void write() throws IOException {
    folder = TestSets.write(temp.resolve("set"), 12, 5, 7);
  }

  @Test
  void readsRowsLabelsAndLengths() {
    PreparedSet set = PreparedSet.open(folder);
    assertThat(set.labels()).containsExactly("negative", "positive");
    assertThat(set.train().rows()).isEqualTo(12);
    assertThat(set.val().rows()).isEqualTo(5);
    assertThat(set.train().label(3)).isEqualTo(1);
    assertThat(set.train().length(5)).isEqualTo(TestSets.length(5));
    assertThat(set.columns().get(0))
        .isEqualTo(new Column("input_ids", DType.I32, java.util.List.of(6), true));
  }

  @Test
  void openingTestIsRecordedBeforeItsFileIsRead() throws IOException {
    Files.delete(folder.resolve("test.safetensors"));
    PreparedSet set = PreparedSet.open(folder);
    AtomicBoolean recorded = new AtomicBoolean();
    SealedTest sealed = new SealedTest(set);
    assertThatThrownBy(
            () ->
                sealed.open(
                    () -> {
                      recorded.set(true);
                      return 1;
                    }))
        .isInstanceOf(GloraException.class);
    assertThat(recorded).isTrue();
  }

  @Test
  void joinedSplitsHaveTheRowsOfBothInOrder() {
    PreparedSet set = PreparedSet.open(folder);
    Split both = set.train().and(set.val());
    assertThat(both.rows()).isEqualTo(set.train().rows() + set.val().rows());
    int train = set.train().rows();
    for (Column column : set.columns()) {
      ByteBuffer joined = ByteBuffer.allocate(column.rowBytes());
      ByteBuffer own = ByteBuffer.allocate(column.rowBytes());
      for (int row = 0; row < set.val().rows(); row++) {
        both.data(column).copy(train + row, joined, 0, column.rowBytes());
        set.val().data(column).copy(row, own, 0, column.rowBytes());
        assertThat(joined.array()).isEqualTo(own.array());
        assertThat(both.label(train + row)).isEqualTo(set.val().label(row));
        assertThat(both.length(train + row)).isEqualTo(set.val().length(row));
      }
    }
  }

  @Test
  void sealedTestGivesTheRowsOfTest() {
    assertThat(new SealedTest(PreparedSet.open(folder)).open(() -> 1).test().rows()).isEqualTo(7);
  }

  @Test
  void changedByteIsRefusedByItsDigest() throws IOException {
    Path file = folder.resolve("val.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> PreparedSet.open(folder))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("val.safetensors has the digest");
  }

  @Test
  void fileOutsideTheFolderIsRefused() throws IOException {
    Path json = folder.resolve("set.json");
    ObjectNode set = (ObjectNode) Json.parse(Files.readString(json));
    ((ObjectNode) set.path("splits").path("val")).put("file", "../elsewhere.safetensors");
    Files.writeString(json, Json.text(set));
    assertThatThrownBy(() -> PreparedSet.open(folder)).hasMessageContaining("outside its folder");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"format\": 2}",
        "{\"format\": 1}",
        "{\"format\": 1, \"digest\": \"x\", \"labels\": [\"a\", \"b\"]}"
      })
  void damagedDescriptionIsOneSentence(String text) throws IOException {
    Files.writeString(folder.resolve("set.json"), text);
    assertThatThrownBy(() -> PreparedSet.open(folder))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining("delete")
        .hasMessageNotContaining("\n");
  }

  @Test
  void fileCutAnywhereIsOneSentence() throws IOException {
    Path file = folder.resolve("train.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    for (int length = 0; length < bytes.length; length += 3) {
      Files.write(file, Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> mapAll(file)).isInstanceOf(GloraException.class);
    }
  }

  @Test
  void damagedHeadersNeverReachMemoryOutsideTheFile() throws IOException {
    Path file = folder.resolve("train.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 500; i++) {
      byte[] changed = bytes.clone();
      for (int k = 0; k <= random.nextInt(3); k++) {
        changed[random.nextInt(300)] = (byte) (random.nextBoolean() ? '9' : random.nextInt(256));
      }
      Files.write(file, changed);
      try {
        mapAll(file);
      } catch (GloraException expected) {
        assertThat(expected.sentence()).startsWith("The data file");
      }
    }
  }

  @Test
  void shapesThatOverflowAreRefused() throws IOException {
    ObjectNode header = Json.object();
    ObjectNode entry = header.putObject("labels").put("dtype", "I64");
    entry.putArray("shape").add(1L << 32).add(1L << 32);
    entry.putArray("data_offsets").add(0).add(0);
    Path file = temp.resolve("overflow.safetensors");
    Files.write(file, TestSets.file(header, new byte[0]));
    assertThatThrownBy(() -> SafetensorsFile.open(file)).hasMessageContaining("impossible shape");
  }

  private static void mapAll(Path file) {
    SafetensorsFile open = SafetensorsFile.open(file);
    open.map("labels", DType.I64, 12);
    open.map("lengths", DType.I32, 12);
    open.map("input_ids", DType.I32, 12, TestSets.LENGTH);
    open.map("attention_mask", DType.U8, 12, TestSets.LENGTH);
  }
}
