package dev.glora.search;

import dev.glora.GloraException;
import java.util.List;

/**
 * The forms of a support tensor and their codes: {@code 0} none, {@code 1} scalar, {@code 2}
 * vector, {@code 3 + k} LoRA of the k-th rank in ascending order.
 */
public final class Form {
  /** The tensor is absent. */
  public static final byte NONE = 0;

  /** One number. */
  public static final byte SCALAR = 1;

  /** One number per output, for C per input. */
  public static final byte VECTOR = 2;

  /** LoRA of the smallest rank; the next ranks follow. */
  public static final byte LORA = 3;

  private Form() {}

  /**
   * The name of a code.
   *
   * @param code a code
   * @param ranks ranks of the space, ascending
   * @return {@code none}, {@code scalar}, {@code vector} or {@code lora-<rank>}
   */
  public static String name(byte code, List<Integer> ranks) {
    return switch (code) {
      case NONE -> "none";
      case SCALAR -> "scalar";
      case VECTOR -> "vector";
      default -> "lora-" + ranks.get(code - LORA);
    };
  }

  /**
   * The code of a name.
   *
   * @param name {@code none}, {@code scalar}, {@code vector} or {@code lora-<rank>}
   * @param ranks ranks of the space, ascending
   * @return the code
   */
  public static byte code(String name, List<Integer> ranks) {
    return switch (name) {
      case "none" -> NONE;
      case "scalar" -> SCALAR;
      case "vector" -> VECTOR;
      default -> lora(name, ranks);
    };
  }

  private static byte lora(String name, List<Integer> ranks) {
    for (int k = 0; k < ranks.size(); k++) {
      if (name.equals("lora-" + ranks.get(k))) {
        return (byte) (LORA + k);
      }
    }
    throw GloraException.usage(
        "The form \""
            + name
            + "\" is unknown: use none, scalar, vector or lora-<rank> with a rank of "
            + ranks
            + ".");
  }
}
