package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What scopes do without any Python. */
class TensorScopeTest {

  @Test
  void memoryIsZeroedAlignedAndExact() {
    try (TensorScope scope = TensorScope.open("test")) {
      for (int size = 0; size < 200; size++) {
        Tensor tensor = scope.allocate("x" + size, DType.U8, size);
        ByteBuffer buffer = tensor.buffer();
        assertThat(tensor.address() % 64).isZero();
        assertThat(buffer.position()).isZero();
        assertThat(buffer.remaining()).isEqualTo(size);
        assertThat(buffer.capacity()).isEqualTo(size);
        while (buffer.hasRemaining()) {
          assertThat(buffer.get()).isZero();
        }
      }
    }
  }

  @Test
  void viewsDoNotShareTheirPosition() {
    try (TensorScope scope = TensorScope.open("test")) {
      Tensor tensor = scope.allocate("x", DType.I32, 2);
      tensor.ints().put(1).put(2);
      tensor.buffer().getInt();
      assertThat(tensor.ints().get()).isEqualTo(1);
    }
  }

  @Test
  void shapesAreCopied() {
    try (TensorScope scope = TensorScope.open("test")) {
      long[] shape = {2, 3};
      Tensor tensor = scope.allocate("x", DType.F32, shape);
      shape[0] = 9;
      tensor.shape()[1] = 9;
      assertThat(tensor.shape()).containsExactly(2, 3);
      assertThat(tensor).hasToString("tensor \"x\" (f32 [2, 3])");
    }
  }

  @Test
  void unusableShapesAreRefused() {
    try (TensorScope scope = TensorScope.open("test")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scope.allocate("x", DType.F32, 2, -1))
          .withMessageContaining("negative");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scope.allocate("x", DType.F32, 1, 1, 1, 1, 1, 1, 1, 1, 1))
          .withMessageContaining("at most 8");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scope.allocate("x", DType.F32, 1L << 45))
          .withMessageContaining("70368744177664 bytes");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scope.allocate("x", DType.F64, Long.MAX_VALUE, Long.MAX_VALUE))
          .withMessageContaining("may have");
      assertThat(scope.allocate("x", DType.F64, Long.MAX_VALUE, 0).elements()).isZero();
    }
  }

  @Test
  void viewsOfAnotherTypeAreRefused() {
    try (TensorScope scope = TensorScope.open("test")) {
      Tensor tensor = scope.allocate("x", DType.BF16, 2);
      assertThatIllegalStateException()
          .isThrownBy(tensor::floats)
          .withMessageContaining("bf16")
          .withMessageContaining("f32");
      assertThatIllegalStateException().isThrownBy(tensor::doubles);
      assertThatIllegalStateException().isThrownBy(tensor::longs);
      assertThatIllegalStateException().isThrownBy(tensor::ints);
    }
  }

  @Test
  void closedScopesRefuseEverything() {
    TensorScope scope = TensorScope.open("done");
    Tensor tensor = scope.allocate("x", DType.F32, 2);
    scope.close();
    scope.close();
    assertThatIllegalStateException()
        .isThrownBy(tensor::floats)
        .withMessageContaining("\"done\"")
        .withMessageContaining("TensorScopeTest");
    assertThatIllegalStateException().isThrownBy(tensor::address);
    assertThatIllegalStateException().isThrownBy(() -> scope.allocate("y", DType.F32, 2));
  }

  @Test
  void directMemoryThatRunsOutHasItsOwnException() {
    try (TensorScope scope = TensorScope.open("test")) {
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 64; i++) {
                  scope.allocate("x" + i, DType.U8, 1L << 30);
                }
              })
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageContaining("-XX:MaxDirectMemorySize");
    }
  }

  @Test
  void filesThatAreTooShortAreRefused(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("rows"), new byte[40]);
    try (TensorScope scope = TensorScope.open("test")) {
      assertThat(scope.mapPrivate("x", file, 0, DType.F32, 10).elements()).isEqualTo(10);
      assertThat(scope.mapPrivate("x", file, 40, DType.F32, 0).elements()).isZero();
      assertThatThrownBy(() -> scope.mapPrivate("x", file, 4, DType.F32, 10))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("40 bytes")
          .hasMessageContaining("4 to 44");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scope.mapPrivate("x", file, 2, DType.F32, 1))
          .withMessageContaining("multiple of 4");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scope.mapPrivate("x", file, -4, DType.F32, 1));
      assertThatThrownBy(() -> scope.mapPrivate("x", folder.resolve("no"), 0, DType.F32, 1))
          .isInstanceOf(NoSuchFileException.class);
    }
  }

  @Test
  void sharedTensorsAreFilesOfTheirOwnerThatGoWithTheirScope() throws IOException {
    TensorScope scope = TensorScope.open("test", ids -> Set.of(), TensorScope.Placement.SHARED);
    Tensor tensor = scope.allocate("x", DType.F32, 1000);
    assertThat(tensor.address() % 64).isZero();
    TensorStorage.MappedFile storage = (TensorStorage.MappedFile) tensor.storage();
    assertThat(storage.bytes()).isEqualTo(4000);
    assertThat(Files.size(storage.file())).isEqualTo(4000);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(storage.file())))
        .isEqualTo("rw-------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(storage.file().getParent())))
        .isEqualTo("rwx------");
    FloatBuffer view = tensor.floats();
    view.put(999, 1.5f);
    assertThat(
            ByteBuffer.wrap(Files.readAllBytes(storage.file()))
                .order(ByteOrder.nativeOrder())
                .getFloat(3996))
        .isEqualTo(1.5f);
    scope.close();
    assertThat(storage.file()).doesNotExist();
    assertThat(view.get(999)).isEqualTo(1.5f); // Whoever still has a view may read it.
  }

  @Test
  void whatIsStillExportedKeepsItsFile() {
    Set<Long> held = new HashSet<>();
    TensorScope scope = TensorScope.open("test", ids -> held, TensorScope.Placement.SHARED);
    Tensor tensor = scope.allocate("x", DType.F32, 10);
    Path file = ((TensorStorage.MappedFile) tensor.storage()).file();
    held.add(tensor.id());
    assertThatIllegalStateException().isThrownBy(scope::close);
    assertThat(file).exists();
    held.clear();
    scope.close();
    assertThat(file).doesNotExist();
  }
}
