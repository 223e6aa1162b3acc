package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * GLoRA: a super-network, a search under a parameter limit, and the finals of its winner.
 *
 * @param label name within the experiment
 * @param training the experiment's training block with the method's own values over it; supernet,
 *     finetune and retrain start from it
 * @param recipe the bundle of defaults that what the file leaves out was taken from
 * @param ranks ranks of the LoRA form, ascending
 * @param forms for each tensor {@code A} to {@code E} the array of its forms ({@code none}, {@code
 *     scalar}, {@code vector}, {@code lora}), always complete
 * @param aProduct {@code hadamard} (published code) or {@code matmul} (paper's text)
 * @param rateRatio learning rate of what starts at zero by that of the up-factors
 * @param targets which linear layers become sites, {@code all-linear}
 * @param exclude name parts of linear layers that do not become sites
 * @param minParameters least number of adapter parameters of a structure, or null
 * @param maxParameters greatest number of adapter parameters of a structure, or null
 * @param count how these are counted: {@code stored}, or {@code folded} (C, D and E as one bias)
 * @param structure given in place of supernet and search: the text {@code random}, an object of
 *     forms {@code A} to {@code E}, or one with a file and its {@code source}; or null
 * @param supernet training of the super-network
 * @param search search for the structure
 * @param finals what becomes of the winner; each is its own record
 * @param primary the final that counts, declared before test is opened
 * @param finetune training of {@link FinalMode#FINETUNE}
 * @param retrain training of {@link FinalMode#RETRAIN}
 */
public record GloraSpec(
    String label,
    TrainingSpec training,
    String recipe,
    List<Integer> ranks,
    JsonNode forms,
    String aProduct,
    double rateRatio,
    String targets,
    List<String> exclude,
    Long minParameters,
    Long maxParameters,
    String count,
    JsonNode structure,
    SupernetSpec supernet,
    SearchSpec search,
    List<FinalMode> finals,
    FinalMode primary,
    TrainingSpec finetune,
    TrainingSpec retrain)
    implements MethodSpec {
  /** Copies the lists. */
  public GloraSpec {
    ranks = List.copyOf(ranks);
    exclude = List.copyOf(exclude);
    finals = List.copyOf(finals);
  }

  @Override
  public String method() {
    return "glora";
  }
}
