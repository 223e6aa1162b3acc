package dev.glora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.glora.GloraException;
import dev.glora.bridge.DType;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchesTest {
  @TempDir Path temp;

  @Test
  void everyEpochIsAPermutationCutIntoWholeBatches() {
    BatchOrder order = new BatchOrder(3, 10, 4);
    int[] rows = new int[4];
    List<Integer> first = new ArrayList<>();
    for (int step = 0; step < 2; step++) {
      assertThat(order.rows(step, rows)).isEqualTo(4);
      for (int row : rows) {
        first.add(row);
      }
    }
    assertThat(first).doesNotHaveDuplicates().allMatch(row -> row >= 0 && row < 10);
    order.rows(2, rows);
    assertThat(rows).isNotEqualTo(first.subList(0, 4).stream().mapToInt(i -> i).toArray());
  }

  @Test
  void aStepsRowsDoNotDependOnTheStepsBefore() {
    int[] walked = new int[4];
    int[] jumped = new int[4];
    BatchOrder order = new BatchOrder(3, 10, 4);
    for (int step = 0; step <= 25; step++) {
      order.rows(step, walked);
    }
    new BatchOrder(3, 10, 4).rows(25, jumped);
    assertThat(jumped).isEqualTo(walked);
  }

  @Test
  void batchLargerThanTheSplitIsTheWholeSplitInAnotherOrderEachStep() {
    BatchOrder order = new BatchOrder(0, 10, 64);
    int[] first = new int[64];
    int[] second = new int[64];
    assertThat(order.rows(0, first)).isEqualTo(10);
    assertThat(order.rows(1, second)).isEqualTo(10);
    assertThat(Arrays.copyOf(first, 10))
        .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        .isNotEqualTo(Arrays.copyOf(second, 10));
    assertThatThrownBy(() -> new BatchOrder(0, 10, 0)).isInstanceOf(GloraException.class);
  }

  @Test
  void evaluationVisitsEveryRowOnceByLength() throws IOException {
    Split split = PreparedSet.open(TestSets.write(temp, 11, 1, 1)).train();
    EvaluationOrder order = new EvaluationOrder(split, 4);
    List<Integer> seen = new ArrayList<>();
    int[] rows = new int[4];
    for (int chunk = 0; chunk < order.chunks(); chunk++) {
      int n = order.rows(chunk, rows);
      for (int i = 0; i < n; i++) {
        seen.add(rows[i]);
      }
    }
    assertThat(seen).hasSize(11).doesNotHaveDuplicates();
    for (int i = 1; i < seen.size(); i++) {
      int before = split.length(seen.get(i - 1));
      int now = split.length(seen.get(i));
      assertThat(before < now || (before == now && seen.get(i - 1) < seen.get(i))).isTrue();
    }
  }

  @Test
  void rowsArePackedAtTheLengthOfTheLongest() throws IOException {
    Split split = PreparedSet.open(TestSets.write(temp, 12, 1, 1)).train();
    try (TensorScope scope = TensorScope.open("test")) {
      Tensor labels = scope.allocate("labels", DType.I64, 4);
      Tensor ids = scope.allocate("input_ids", DType.I32, 4 * 6);
      Tensor mask = scope.allocate("attention_mask", DType.U8, 4 * 6);
      BatchFiller filler =
          new BatchFiller(split, Map.of("input_ids", ids, "attention_mask", mask), labels);
      int[] rows = {6, 1, 8};
      int longest = filler.fill(rows, 3);
      assertThat(longest).isEqualTo(3);
      for (int i = 0; i < 3; i++) {
        assertThat(labels.longs().get(i)).isEqualTo(rows[i] % 2);
        for (int p = 0; p < longest; p++) {
          boolean valid = p < TestSets.length(rows[i]);
          assertThat(ids.ints().get(i * longest + p)).isEqualTo(valid ? 1000 * rows[i] + p : 0);
          assertThat(mask.buffer().get(i * longest + p)).isEqualTo((byte) (valid ? 1 : 0));
        }
      }
    }
  }

  @Test
  void aFillAllocatesNothing() throws IOException {
    Split split = PreparedSet.open(TestSets.write(temp, 64, 1, 1)).train();
    try (TensorScope scope = TensorScope.open("test")) {
      Tensor labels = scope.allocate("labels", DType.I64, 16);
      Tensor ids = scope.allocate("input_ids", DType.I32, 16 * 6);
      Tensor mask = scope.allocate("attention_mask", DType.U8, 16 * 6);
      BatchFiller filler =
          new BatchFiller(split, Map.of("input_ids", ids, "attention_mask", mask), labels);
      BatchOrder order = new BatchOrder(0, 64, 16);
      int[] rows = new int[16];
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long least = Long.MAX_VALUE;
      order.rows(0, rows);
      // The smallest of several rounds: the first ones load classes and compile.
      for (int round = 0; round < 10; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 1000; i++) {
          filler.fill(rows, 16);
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertThat(least).isLessThan(1000);
    }
  }
}
