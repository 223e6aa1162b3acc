package dev.glora.bridge.jep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.bridge.DType;
import dev.glora.bridge.HalfPrecision;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.Tensor;
import dev.glora.bridge.TensorScope;
import dev.glora.bridge.TestPython;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Java's conversions beside torch's. */
class HalfPrecisionTest {

  private static final int ALL = 1 << 16;
  private static final int DRAWN = 1 << 20;

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void allBitsMeanWhatTheyMeanInTorch(DType dtype) {
    try (PythonRuntime python = PythonRuntime.open(TestPython.config("jep"));
        TensorScope scope = python.scope("half")) {
      Tensor bits = scope.allocate("bits", DType.I16, ALL);
      Tensor floats = scope.allocate("floats", DType.F32, ALL);
      ShortBuffer given = bits.shorts();
      for (int i = 0; i < ALL; i++) {
        given.put(i, (short) i);
      }
      python.call("bridge_samples", "floats_from_bits", bits, floats, dtype.torchName()).join();
      FloatBuffer expected = floats.floats();
      for (int i = 0; i < ALL; i++) {
        float value =
            dtype == DType.F16
                ? HalfPrecision.fromF16((short) i)
                : HalfPrecision.fromBf16((short) i);
        assertThat(Float.compare(value, expected.get(i))).as("bits %x", i).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void floatsRoundAsInTorch(DType dtype) {
    try (PythonRuntime python = PythonRuntime.open(TestPython.config("jep"));
        TensorScope scope = python.scope("half")) {
      Tensor floats = scope.allocate("floats", DType.F32, DRAWN);
      Tensor bits = scope.allocate("bits", DType.I16, DRAWN);
      FloatBuffer given = floats.floats();
      SplittableRandom random = new SplittableRandom(7);
      for (int i = 0; i < DRAWN; i++) {
        given.put(i, drawn(random, i));
      }
      python.call("bridge_samples", "bits_from_floats", floats, bits, dtype.torchName()).join();
      ShortBuffer expected = bits.shorts();
      for (int i = 0; i < DRAWN; i++) {
        float value = given.get(i);
        short found = dtype == DType.F16 ? HalfPrecision.toF16(value) : HalfPrecision.toBf16(value);
        float back =
            dtype == DType.F16 ? HalfPrecision.fromF16(found) : HalfPrecision.fromBf16(found);
        if (Float.isNaN(value)) {
          assertThat(back).isNaN();
        } else {
          assertThat(found).as("%s (%a)", value, value).isEqualTo(expected.get(i));
        }
      }
    }
  }

  /** Any bits; values with a tie in their last place; values around the limits of f16. */
  private static float drawn(SplittableRandom random, int i) {
    return switch (i % 4) {
      case 0 -> Float.intBitsToFloat(random.nextInt());
      case 1 -> Float.intBitsToFloat(random.nextInt() & 0xffff8000);
      case 2 -> Float.intBitsToFloat((random.nextInt() & 0xffffe000) | 0x1000);
      default ->
          (float) (random.nextInt(1 << 22) * 0x1p-25 * Math.pow(2, random.nextInt(0, 20)))
              * (random.nextBoolean() ? 1 : -1);
    };
  }
}
