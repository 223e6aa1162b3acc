package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What tensors must do on every backend that has {@link Capability#TENSORS}. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class TensorContract {

  private static final String SAMPLES = ValueContract.SAMPLES;

  private PythonRuntime python;
  private TensorScope scope;

  /** Returns the backend's name. */
  protected abstract String backend();

  @BeforeAll
  void open() {
    python = PythonRuntime.open(TestPython.config(backend()));
    assumeTrue(python.capabilities().contains(Capability.TENSORS));
  }

  @AfterAll
  void close() {
    python.close();
  }

  @BeforeEach
  void openScope() {
    scope = python.scope("test");
  }

  /** Every test fails that leaves something exported. */
  @AfterEach
  void closeScope() {
    scope.close();
  }

  private Object call(String function, Object... args) {
    return python.call(SAMPLES, function, args).join();
  }

  @Test
  @Order(1)
  void neitherTorchNorNumpyIsImportedBeforeTheFirstTensor() {
    assertThat(call("total", 1L, 2L)).isEqualTo(3L);
    assertThat(call("loaded", "torch")).isEqualTo(false);
    assertThat(call("loaded", "numpy")).isEqualTo(false);
    assertThat(call("kinds", scope.allocate("first", DType.F32, 1))).isEqualTo("Tensor");
    assertThat(call("loaded", "torch")).isEqualTo(true);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void bothSidesSeeTheSameAddress(DType dtype) {
    Tensor tensor = scope.allocate("x", dtype, 2, 3);
    assertThat(tensor.address() % 64).isZero();
    List<?> seen = (List<?>) call("describe", tensor);
    assertThat(seen.subList(0, 2))
        .isEqualTo(List.of("torch." + dtype.torchName(), List.of(2L, 3L)));
    assertSameAddress(seen.get(2), tensor);
    assertThat(seen.get(3)).isEqualTo(true);
    assertThat(tensor.bytes()).isEqualTo(6L * dtype.bytes());
  }

  /** In another process it is another address, as well aligned. */
  private void assertSameAddress(Object seen, Tensor tensor) {
    if (python.capabilities().contains(Capability.IN_PROCESS)) {
      assertThat(seen).isEqualTo(tensor.address());
    } else {
      assertThat((Long) seen % 64).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void bothSidesSeeTheSameValues(DType dtype) {
    Tensor tensor = scope.allocate("x", dtype, 2);
    List<Object> one = probe(dtype, 0);
    List<Object> two = probe(dtype, 1);
    assertThat(call("values", tensor)).isEqualTo(List.of(zero(dtype), zero(dtype)));
    put(tensor, dtype, one.get(1), two.get(1));
    assertThat(call("values", tensor)).isEqualTo(List.of(one.get(0), two.get(0)));
    call("write", tensor, List.of(two.get(0), one.get(0)));
    Tensor expected = scope.allocate("expected", dtype, 2);
    put(expected, dtype, two.get(1), one.get(1));
    assertThat(tensor.buffer()).isEqualTo(expected.buffer());
  }

  private static Object zero(DType dtype) {
    return switch (dtype) {
      case F64, F32, F16, BF16 -> 0.0;
      case BOOL -> false;
      default -> 0L;
    };
  }

  /** Returns a value as Python tells it and the bits that stand for it in memory. */
  private static List<Object> probe(DType dtype, int index) {
    boolean first = index == 0;
    return switch (dtype) {
      case F64 -> first ? List.of(0.1, 0.1) : List.of(-1e300, -1e300);
      case F32 -> first ? List.of(1.5, 1.5f) : List.of((double) -0.1f, -0.1f);
      case F16 -> first ? List.of(1.5, (short) 0x3e00) : List.of(-65504.0, (short) 0xfbff);
      case BF16 -> first ? List.of(1.5, (short) 0x3fc0) : List.of(-0x1p127, (short) 0xff00);
      case I64 -> first ? List.of(1L << 62, 1L << 62) : List.of(-3L, -3L);
      case I32 -> first ? List.of(1L << 30, 1 << 30) : List.of(-3L, -3);
      case I16 -> first ? List.of(32767L, (short) 32767) : List.of(-3L, (short) -3);
      case I8 -> first ? List.of(127L, (byte) 127) : List.of(-3L, (byte) -3);
      case U8 -> first ? List.of(255L, (byte) 255) : List.of(3L, (byte) 3);
      case BOOL -> first ? List.of(true, (byte) 1) : List.of(false, (byte) 0);
    };
  }

  private static void put(Tensor tensor, DType dtype, Object... values) {
    ByteBuffer buffer = tensor.buffer();
    assertThat(buffer.order()).isEqualTo(ByteOrder.nativeOrder());
    for (Object value : values) {
      switch (dtype) {
        case F64 -> buffer.putDouble((Double) value);
        case F32 -> buffer.putFloat((Float) value);
        case F16, BF16, I16 -> buffer.putShort((Short) value);
        case I64 -> buffer.putLong((Long) value);
        case I32 -> buffer.putInt((Integer) value);
        case I8, U8, BOOL -> buffer.put((Byte) value);
      }
    }
    assertThat(buffer.hasRemaining()).isFalse();
  }

  @Test
  void typedViewsAreThisMemory() {
    Tensor floats = scope.allocate("f", DType.F32, 2);
    Tensor doubles = scope.allocate("d", DType.F64, 1);
    Tensor longs = scope.allocate("l", DType.I64, 1);
    Tensor ints = scope.allocate("i", DType.I32, 1);
    call("write", floats, List.of(1.5, 2.5));
    call("write", doubles, List.of(0.1));
    call("write", longs, List.of(7L));
    call("write", ints, List.of(-7L));
    assertThat(floats.floats().get(1)).isEqualTo(2.5f);
    assertThat(doubles.doubles().get(0)).isEqualTo(0.1);
    assertThat(longs.longs().get(0)).isEqualTo(7L);
    assertThat(ints.ints().get(0)).isEqualTo(-7);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 8})
  void shapesHaveNoneToEightDimensions(int rank) {
    long[] shape = new long[rank];
    Arrays.fill(shape, 2);
    Tensor tensor = scope.allocate("x", DType.I16, shape);
    assertThat(tensor.elements()).isEqualTo(1L << rank);
    List<?> seen = (List<?>) call("describe", tensor);
    assertThat(seen.get(1)).isEqualTo(Arrays.stream(shape).boxed().toList());
    assertSameAddress(seen.get(2), tensor);
  }

  @Test
  void emptyTensorsCross() {
    Tensor tensor = scope.allocate("x", DType.BF16, 3, 0, 2);
    assertThat(tensor.elements()).isZero();
    assertThat(((List<?>) call("describe", tensor)).subList(0, 2))
        .isEqualTo(List.of("torch.bfloat16", List.of(3L, 0L, 2L)));
    call("write", tensor, List.of());
    assertThat(tensor.buffer().hasRemaining()).isFalse();
  }

  @Test
  void tensorsCrossInsideListsAndMaps() {
    Tensor x = scope.allocate("x", DType.F64, 1);
    Object seen = call("kinds", Map.of("a", List.of(x, Map.of("b", x))));
    assertThat(seen).isEqualTo(Map.of("a", List.of("Tensor", Map.of("b", "Tensor"))));
  }

  @Test
  void tensorsDoNotComeBack() {
    Tensor x = scope.allocate("x", DType.F64, 1);
    Throwable e = TestPython.failure(python.call(SAMPLES, "echo", x));
    assertThat(((PythonException) e).message()).contains("returned torch.Tensor");
  }

  @Test
  void gradientsFlow() {
    Tensor x = scope.allocate("x", DType.F32, 2);
    x.floats().put(0, 3f).put(1, -1f);
    Tensor gradient = scope.allocate("gradient", DType.F32, 2);
    call("gradient", x, gradient);
    assertThat(gradient.floats().get(0)).isEqualTo(6f);
    assertThat(gradient.floats().get(1)).isEqualTo(-2f);
  }

  @Test
  void stepsOnBoundTensorsAllocateNoDirectMemory() {
    Tensor x = scope.allocate("x", DType.F32, 64);
    Tensor y = scope.allocate("y", DType.F32, 64);
    Tensor part = scope.allocate("part", DType.F32, 64);
    call("bind", "site", Map.of("x", x, "y", y, "parts", List.of(part)));
    BufferPoolMXBean direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .findFirst()
            .orElseThrow();
    long[] before = new long[2];
    long[] after = new long[2];
    python
        .submit(
            session -> {
              PythonFunction step = session.function(SAMPLES, "step");
              FloatBuffer in = x.floats();
              FloatBuffer out = y.floats();
              before[0] = direct.getCount();
              before[1] = direct.getTotalCapacity();
              for (int i = 0; i < 1_000; i++) {
                in.put(0, i);
                step.call("site");
                assertThat(out.get(0)).isEqualTo(2f * i);
              }
              after[0] = direct.getCount();
              after[1] = direct.getTotalCapacity();
              return null;
            })
        .join();
    // Less where a collection freed what earlier tests left.
    assertThat(after[0]).isLessThanOrEqualTo(before[0]);
    assertThat(after[1]).isLessThanOrEqualTo(before[1]);
    call("unbind", "site");
  }

  @Test
  void scopesNameWhatPythonStillUses() {
    TensorScope inner = python.scope("inner");
    Tensor free = inner.allocate("free", DType.F32, 4);
    Tensor held = inner.allocate("held", DType.F32, 4);
    call("values", free);
    call("keep", held);
    assertThatIllegalStateException()
        .isThrownBy(inner::close)
        .withMessageContaining("\"inner\"")
        .withMessageContaining("TensorContract")
        .withMessageContaining("\"held\" (f32 [4])")
        .withMessageNotContaining("free");
    assertThatIllegalStateException().isThrownBy(held::buffer).withMessageContaining("closed");
    assertThatIllegalStateException().isThrownBy(inner::close);
    call("let_go");
    inner.close();
  }

  @Test
  void cyclesAndErrorsKeepNothing() {
    TensorScope inner = python.scope("inner");
    call("keep_in_cycle", inner.allocate("cycle", DType.F32, 4));
    Tensor failed = inner.allocate("failed", DType.F32, 4);
    Throwable e = TestPython.failure(python.call(SAMPLES, "fail_with", failed));
    assertThat(((PythonException) e).message()).contains("tensor([0., 0., 0., 0.])");
    inner.close();
  }

  @Test
  void closedTensorsAreRefused() {
    TensorScope inner = python.scope("inner");
    Tensor tensor = inner.allocate("x", DType.F32, 4);
    inner.close();
    assertThat(TestPython.failure(python.call(SAMPLES, "values", tensor)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("\"inner\"");
  }

  @Test
  void scopesCloseInsideTasks() {
    python
        .submit(
            session -> {
              try (TensorScope inner = python.scope("inner")) {
                return session.call(SAMPLES, "values", inner.allocate("x", DType.I8, 1));
              }
            })
        .join();
  }

  @Test
  void mappedFilesCrossAndStayAsTheyWere(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("rows");
    ByteBuffer rows = ByteBuffer.allocate(40).order(ByteOrder.nativeOrder());
    for (int i = 0; i < 10; i++) {
      rows.putInt(i);
    }
    Files.write(file, rows.array());
    Tensor tensor = scope.mapPrivate("rows", file, 8, DType.I32, 2, 4);
    assertThat(call("values", tensor)).isEqualTo(List.of(2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L));
    call("write", tensor, List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 1L));
    assertThat(tensor.ints().get(7)).isEqualTo(9);
    assertThat(tensor.buffer().isReadOnly()).isTrue();
    assertThat(Files.readAllBytes(file)).isEqualTo(rows.array());
  }

  @Test
  void mappedFilesNeedNoRightToWrite(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("rows");
    Files.write(file, new byte[] {1, 2, 3});
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
    Tensor tensor = scope.mapPrivate("rows", file, 1, DType.U8, 2);
    assertThat(call("values", tensor)).isEqualTo(List.of(2L, 3L));
    assertThat(call("values", scope.mapPrivate("none", file, 3, DType.U8, 0))).isEqualTo(List.of());
  }

  /** One torch tensor, several windows in Java, each side seeing what the other wrote. */
  @Test
  void threeGibibytesAreOneTensorInPythonAndWindowsInJava() {
    try (TensorScope large = python.scope("large")) {
      long rows = 3 * 1024 + 1;
      Tensor tensor = large.allocate("large", DType.F32, rows, 256 * 1024);
      assertThat(tensor.bytes()).isEqualTo(rows << 20);
      assertThatIllegalStateException()
          .isThrownBy(tensor::buffer)
          .withMessageContaining("windows()");
      List<ByteBuffer> windows = tensor.windows();
      assertThat(windows).hasSize(4);
      for (int w = 0; w < windows.size(); w++) {
        FloatBuffer floats = windows.get(w).asFloatBuffer();
        floats.put(0, w + 1f).put(floats.limit() - 1, -(w + 1f));
      }
      // The first and last element of each window, as Python counts them.
      List<Long> places = new ArrayList<>();
      for (long start = 0; start < tensor.elements(); start += 1L << 28) {
        places.add(start);
        places.add(Math.min(start + (1L << 28), tensor.elements()) - 1);
      }
      assertThat(call("shape_and_elements", tensor, places))
          .isEqualTo(
              List.of(
                  List.of(rows, 256L * 1024), List.of(1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0)));
      call("double_elements", tensor, places);
      for (int w = 0; w < windows.size(); w++) {
        FloatBuffer floats = windows.get(w).asFloatBuffer();
        assertThat(floats.get(0)).isEqualTo(2 * (w + 1f));
        assertThat(floats.get(floats.limit() - 1)).isEqualTo(-2 * (w + 1f));
      }
    }
  }

  @Test
  void withoutCudaNothingIsPinned() {
    assumeTrue(call("result_of", "__import__('torch').cuda.is_available()").equals(false));
    Tensor tensor = scope.allocate("x", DType.F32, 4);
    assertThat(python.pin(tensor).join()).isZero();
  }

  /** With a stand-in for CUDA's two functions: what is registered, and when it is taken back. */
  @Test
  void pinnedMemoryIsRegisteredUntilItsScopeIsClosed() {
    call("stand_in_for_cuda", 0L);
    try {
      TensorScope inner = python.scope("inner");
      Tensor tensor = inner.allocate("x", DType.F32, 4);
      Tensor empty = inner.allocate("empty", DType.F32, 0);
      assertThat(python.pin(tensor, empty).join()).isEqualTo(1);
      assertThat(python.pin(tensor).join()).isZero();
      Object address = ((List<?>) call("describe", tensor)).get(2);
      assertThat(call("cuda_calls")).isEqualTo(List.of(List.of("register", address, 16L)));
      inner.close();
      assertThat(((List<?>) call("cuda_calls")).get(1)).isEqualTo(List.of("unregister", address));
    } finally {
      call("end_of_stand_in");
    }
  }

  @Test
  void memoryThatCudaDoesNotRegisterIsAnErrorAndStaysUsable() {
    call("stand_in_for_cuda", 2L);
    try {
      Tensor tensor = scope.allocate("x", DType.F32, 4);
      Throwable e = TestPython.failure(python.pin(tensor));
      assertThat(e).hasRootCauseInstanceOf(PythonException.class).hasMessageContaining("error 2");
      assertThat(call("values", tensor)).isEqualTo(List.of(0.0, 0.0, 0.0, 0.0));
    } finally {
      call("end_of_stand_in");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory_of_torch", "memory_of_cuda"})
  void outOfMemoryOfTorchHasItsOwnType(String function) {
    assertThat(TestPython.failure(python.call(SAMPLES, function)))
        .isInstanceOf(OutOfDeviceMemoryException.class);
    assertThat(call("total", 1L, 1L)).isEqualTo(2L);
  }
}
