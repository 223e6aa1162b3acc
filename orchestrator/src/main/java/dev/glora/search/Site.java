package dev.glora.search;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * An adapted linear layer.
 *
 * @param name the layer's path in the model
 * @param in inputs
 * @param out outputs
 * @param bias whether the layer has a bias
 * @param dead tensors that cannot change the model's output, such as the bias of a key projection
 *     that cancels in the softmax
 */
public record Site(String name, int in, int out, boolean bias, Set<SupportTensor> dead) {
  /** Adds D to the dead tensors of a site without a bias, and makes the set immutable. */
  public Site {
    EnumSet<SupportTensor> all = EnumSet.noneOf(SupportTensor.class);
    all.addAll(dead);
    if (!bias) {
      all.add(SupportTensor.D);
    }
    dead = Collections.unmodifiableSet(all);
  }

  /**
   * Entries of a tensor in a form.
   *
   * @param tensor A to E
   * @param code its form
   * @param rank the form's rank where it is LoRA
   * @param matmul whether A is [in, in] and meets W0 by a matrix product, as in the paper's text;
   *     else it is [out, in] and meets it entry by entry
   * @return number of trained entries
   */
  long cost(SupportTensor tensor, byte code, int rank, boolean matmul) {
    boolean prompt = tensor == SupportTensor.C;
    long rows = prompt || (matmul && tensor == SupportTensor.A) ? in : out;
    long columns = prompt ? 1 : in;
    return switch (code) {
      case Form.NONE -> 0;
      case Form.SCALAR -> 1;
      case Form.VECTOR -> rows;
      default -> rank * (rows + columns);
    };
  }
}
