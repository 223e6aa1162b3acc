package dev.glora.bridge;

/**
 * Conversions between {@code float} and the bits of the two 16-bit floating-point types, rounding
 * to nearest, ties to even, exactly as torch does.
 */
public final class HalfPrecision {

  private HalfPrecision() {}

  /**
   * Returns the {@link DType#BF16} nearest to a number: the upper half of its bits, rounded.
   *
   * @param value any float; a NaN becomes the quiet one with no further bits
   */
  public static short toBf16(float value) {
    if (Float.isNaN(value)) {
      return 0x7fc0;
    }
    int bits = Float.floatToRawIntBits(value);
    // Adds just under half of the last place, and one more where that is odd.
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  /**
   * Returns the value of {@link DType#BF16} bits, which a float always holds.
   *
   * @param bits the bits
   */
  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * Returns the {@link DType#F16} nearest to a number; infinite from 65520 on.
   *
   * @param value any float
   */
  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 65520f) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x1p-14f) {
      // Subnormal: a multiple of 2^-24; rint rounds ties to even, and 2^24 · magnitude is exact.
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24f));
    }
    int rebased = (bits & 0x7fffffff) - (112 << 23);
    return (short) (sign | (rebased + 0xfff + (rebased >>> 13 & 1)) >>> 13);
  }

  /**
   * Returns the value of {@link DType#F16} bits, which a float always holds.
   *
   * @param bits the bits
   */
  public static float fromF16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >>> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0) {
      return Math.copySign(fraction * 0x1p-24f, Float.intBitsToFloat(sign | 0x3f800000));
    }
    int rebased = exponent == 0x1f ? 0xff : exponent + 112;
    return Float.intBitsToFloat(sign | rebased << 23 | fraction << 13);
  }
}
