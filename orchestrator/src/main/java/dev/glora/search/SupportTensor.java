package dev.glora.search;

/**
 * The five support tensors of a site: {@code y = (W0 + W0∘A + B) x + W0·C + b0∘D + E + b0}.
 *
 * <p>Their order is the order of the codes in every array, file and buffer.
 */
public enum SupportTensor {
  /** Scales the weight. */
  A(0),
  /** Shifts the weight. */
  B(1),
  /** A prompt: shifts the bias through the weight. */
  C(2),
  /** Scales the bias. */
  D(3),
  /** Shifts the bias. */
  E(4);

  /** Tensors of a site. */
  public static final int COUNT = 5;

  private static final SupportTensor[] ALL = {A, B, C, D, E};

  private final int index;

  SupportTensor(int index) {
    this.index = index;
  }

  /**
   * The tensor's place in the order.
   *
   * @return 0 to 4
   */
  public int index() {
    return index;
  }

  /**
   * The tensor at a place of the order.
   *
   * @param index 0 to 4
   * @return A to E
   */
  public static SupportTensor at(int index) {
    return ALL[index];
  }
}
