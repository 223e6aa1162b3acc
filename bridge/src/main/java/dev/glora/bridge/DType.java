package dev.glora.bridge;

import java.util.Locale;

/** The element type of a {@link Tensor}, with its size and its name in PyTorch. */
public enum DType {
  /** IEEE 754 double precision. */
  F64(8, "float64"),
  /** IEEE 754 single precision. */
  F32(4, "float32"),
  /** IEEE 754 half precision. */
  F16(2, "float16"),
  /** The upper half of a single: 8 bits of exponent, 7 of fraction. */
  BF16(2, "bfloat16"),
  /** Signed 64-bit integer. */
  I64(8, "int64"),
  /** Signed 32-bit integer. */
  I32(4, "int32"),
  /** Signed 16-bit integer. */
  I16(2, "int16"),
  /** Signed 8-bit integer. */
  I8(1, "int8"),
  /** Unsigned 8-bit integer. */
  U8(1, "uint8"),
  /** A truth value in one byte, 0 or 1. */
  BOOL(1, "bool");

  private final int bytes;
  private final String torchName;

  DType(int bytes, String torchName) {
    this.bytes = bytes;
    this.torchName = torchName;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns the name of this type as an attribute of the module {@code torch}. */
  public String torchName() {
    return torchName;
  }

  /** Returns the short name in lower case, as prepared sets and messages write it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
