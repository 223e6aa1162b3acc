package dev.glora.experiment;

import java.util.List;
import java.util.OptionalInt;

/**
 * Where and how PyTorch computes.
 *
 * @param device torch device: {@code cpu}, {@code cuda:N}, {@code mps}, or {@code auto}
 * @param threads threads of one torch operation
 * @param dtype type of what is trained, {@code float32}
 * @param precision {@code float32}, {@code bfloat16} or {@code autocast}
 * @param workers how many worker processes; no part of a run's key, as the next two
 * @param devices what they compute on, none for the device above
 * @param attempts how often a run may be begun whose worker dies or hangs
 */
public record RuntimeSpec(
    String device,
    int threads,
    String dtype,
    String precision,
    OptionalInt workers,
    List<String> devices,
    OptionalInt attempts) {
  /** The precision that an experiment has if it does not say one. */
  public static final String FLOAT32 = "float32";

  /** The precision in which the body itself is kept in bfloat16. */
  public static final String BFLOAT16 = "bfloat16";

  private static final double COARSER = 256;

  /**
   * Whether everything is computed in float32.
   *
   * @return false where bfloat16 takes part
   */
  public boolean isFloat32() {
    return precision.equals(FLOAT32);
  }

  /**
   * What a bound on float32's rounding is multiplied by. bfloat16 keeps 16 bits less; what a model
   * makes of that was seen to be some hundred times float32's error, not 65,536 times.
   *
   * @return 1 for float32
   */
  public double rounding() {
    return isFloat32() ? 1 : COARSER;
  }
}
