package dev.glora.search;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.GloraException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * The sites and, for each of their tensors, the codes that it may have.
 *
 * <p>A gene is one tensor of one site; genes are numbered site × 5 + tensor. A dead gene may only
 * be none, so two structures of this space are equal exactly when they are the same set of forms.
 *
 * <p>A structure is counted by (see {@link Site#cost}):
 *
 * <pre>
 *     stored = Σ_sites cost(A) + cost(B) + cost(C) + cost(D) + cost(E)
 *     folded = Σ_sites cost(A) + cost(B) + (out if C, D or E is active, else 0)
 * </pre>
 */
public final class SearchSpace {
  private final List<Site> sites;
  private final List<Integer> ranks;
  private final String aProduct;
  private final byte[][] legal;
  private final long[][] costs;

  /**
   * Makes a space.
   *
   * @param sites the model's sites
   * @param ranks ranks of the LoRA form, ascending
   * @param forms for each tensor the array of its forms, {@code lora} standing for every rank; null
   *     or a missing tensor allows all its forms
   * @param aProduct {@code hadamard} or {@code matmul}
   */
  public SearchSpace(List<Site> sites, List<Integer> ranks, JsonNode forms, String aProduct) {
    if (sites.isEmpty()) {
      throw GloraException.usage(
          "The model has no site for GLoRA: widen targets or shorten exclude.");
    }
    this.sites = List.copyOf(sites);
    this.ranks = List.copyOf(ranks);
    this.aProduct = aProduct;
    for (int k = 0; k < ranks.size(); k++) {
      if (ranks.get(k) < 1 || (k > 0 && ranks.get(k) <= ranks.get(k - 1)) || k > 100) {
        throw GloraException.usage(
            "The ranks are " + ranks + ": give positive numbers in ascending order.");
      }
    }
    this.legal = new byte[sites.size() * SupportTensor.COUNT][];
    this.costs = new long[legal.length][Form.LORA + ranks.size()];
    byte[][] allowed = new byte[SupportTensor.COUNT][];
    for (int t = 0; t < SupportTensor.COUNT; t++) {
      allowed[t] = allowed(SupportTensor.at(t), forms);
    }
    for (int gene = 0; gene < legal.length; gene++) {
      legal[gene] = dead(gene) ? new byte[] {Form.NONE} : allowed[gene % SupportTensor.COUNT];
      for (byte code = 0; code < costs[gene].length; code++) {
        int rank = code >= Form.LORA ? ranks.get(code - Form.LORA) : 0;
        costs[gene][code] = site(gene).cost(tensor(gene), code, rank, aProduct.equals("matmul"));
      }
    }
  }

  private byte[] allowed(SupportTensor tensor, JsonNode forms) {
    boolean scalar = tensor != SupportTensor.C;
    boolean lora = tensor.index() <= SupportTensor.C.index() && !ranks.isEmpty();
    JsonNode names = forms == null ? null : forms.get(tensor.name());
    TreeSet<Byte> codes = new TreeSet<>();
    if (names == null || names.isNull()) {
      codes.addAll(List.of(Form.NONE, Form.VECTOR));
      if (scalar) {
        codes.add(Form.SCALAR);
      }
      if (lora) {
        ranks.forEach(rank -> codes.add(Form.code("lora-" + rank, ranks)));
      }
    } else {
      for (JsonNode name : names) {
        String form = name.asText();
        if ((form.equals("scalar") && !scalar) || (form.startsWith("lora") && !lora)) {
          throw GloraException.usage(
              "The tensor " + tensor + " has no form \"" + form + "\": remove it from forms.");
        }
        if (form.equals("lora")) {
          ranks.forEach(rank -> codes.add(Form.code("lora-" + rank, ranks)));
        } else {
          codes.add(Form.code(form, ranks));
        }
      }
    }
    if (codes.isEmpty()) {
      throw GloraException.usage(
          "The tensor " + tensor + " is allowed no form: give at least one, such as none.");
    }
    byte[] result = new byte[codes.size()];
    int i = 0;
    for (byte code : codes) {
      result[i++] = code;
    }
    return result;
  }

  /**
   * The sites.
   *
   * @return sites in the order of the codes
   */
  public List<Site> sites() {
    return sites;
  }

  /**
   * The ranks of the LoRA form.
   *
   * @return ranks, ascending
   */
  public List<Integer> ranks() {
    return ranks;
  }

  /**
   * How A meets the weight.
   *
   * @return {@code hadamard} or {@code matmul}
   */
  public String aProduct() {
    return aProduct;
  }

  /**
   * How many genes a structure has.
   *
   * @return sites × 5
   */
  public int genes() {
    return legal.length;
  }

  /**
   * How many codes a gene may have.
   *
   * @param gene site × 5 + tensor
   * @return at least 1
   */
  public int choices(int gene) {
    return legal[gene].length;
  }

  /**
   * One of a gene's codes.
   *
   * @param gene site × 5 + tensor
   * @param choice 0 to {@link #choices} − 1
   * @return the code; codes ascend with the choice
   */
  public byte choice(int gene, int choice) {
    return legal[gene][choice];
  }

  boolean dead(int gene) {
    return site(gene).dead().contains(tensor(gene));
  }

  Site site(int gene) {
    return sites.get(gene / SupportTensor.COUNT);
  }

  static SupportTensor tensor(int gene) {
    return SupportTensor.at(gene % SupportTensor.COUNT);
  }

  long cost(int gene, byte code) {
    return costs[gene][code];
  }

  /**
   * Whether a structure's codes are all allowed.
   *
   * @param structure any structure
   * @return true if it belongs to this space
   */
  public boolean contains(Structure structure) {
    byte[] codes = structure.codes();
    if (codes.length != legal.length) {
      return false;
    }
    for (int gene = 0; gene < codes.length; gene++) {
      boolean found = false;
      for (byte code : legal[gene]) {
        found |= code == codes[gene];
      }
      if (!found) {
        return false;
      }
    }
    return true;
  }

  /**
   * Every tensor in its largest form: the structure that holds all others as slices.
   *
   * @return the largest structure
   */
  public Structure largest() {
    byte[] codes = new byte[legal.length];
    for (int gene = 0; gene < codes.length; gene++) {
      codes[gene] = legal[gene][legal[gene].length - 1];
    }
    return new Structure(codes);
  }

  /**
   * Draws each gene uniformly from its codes.
   *
   * @param random source of randomness
   * @param codes receives the codes
   */
  void drawUniform(SplittableRandom random, byte[] codes) {
    for (int gene = 0; gene < codes.length; gene++) {
      codes[gene] = drawUniform(random, gene);
    }
  }

  byte drawUniform(SplittableRandom random, int gene) {
    return legal[gene][random.nextInt(legal[gene].length)];
  }

  /**
   * Counts a structure's parameters, the head's not among them.
   *
   * @param structure a structure of this space
   * @param count how to count
   * @return number of parameters
   */
  public long count(Structure structure, ParameterCount count) {
    return count(structure.canonical(this).codes(), count);
  }

  long count(byte[] codes, ParameterCount count) {
    long total = 0;
    for (int s = 0; s < sites.size(); s++) {
      total += siteCount(codes, s, count);
    }
    return total;
  }

  long siteCount(byte[] codes, int site, ParameterCount count) {
    int first = site * SupportTensor.COUNT;
    long weight = costs[first][codes[first]] + costs[first + 1][codes[first + 1]];
    if (count == ParameterCount.FOLDED) {
      boolean bias = (codes[first + 2] | codes[first + 3] | codes[first + 4]) != Form.NONE;
      return weight + (bias ? sites.get(site).out() : 0);
    }
    return weight
        + costs[first + 2][codes[first + 2]]
        + costs[first + 3][codes[first + 3]]
        + costs[first + 4][codes[first + 4]];
  }

  /** The cheapest codes of a gene come first in this order: by cost, then by code. */
  byte cheapest(int gene) {
    byte best = legal[gene][0];
    for (byte code : legal[gene]) {
      if (costs[gene][code] < costs[gene][best]) {
        best = code;
      }
    }
    return best;
  }

  byte costliest(int gene) {
    byte best = legal[gene][0];
    for (byte code : legal[gene]) {
      if (costs[gene][code] > costs[gene][best]) {
        best = code;
      }
    }
    return best;
  }

  /**
   * The least and the greatest number of parameters that a structure of this space can have.
   *
   * @param count how to count
   * @return the range
   */
  public Range range(ParameterCount count) {
    byte[] least = new byte[legal.length];
    byte[] most = new byte[legal.length];
    for (int gene = 0; gene < legal.length; gene++) {
      least[gene] = cheapest(gene);
      most[gene] = costliest(gene);
    }
    return new Range(count(least, count), count(most, count));
  }

  /**
   * Numbers of parameters, both ends included.
   *
   * @param min least number
   * @param max greatest number
   */
  public record Range(long min, long max) {}

  /**
   * The codes of a gene that are cheaper or costlier than its code, by what they change in the
   * site's count.
   *
   * @param codes a structure's codes; unchanged on return
   * @param gene the gene
   * @param count how to count
   * @param least least difference in parameters, included
   * @param most greatest difference in parameters, included
   * @return codes whose difference lies between the two, ascending
   */
  List<Byte> alternatives(byte[] codes, int gene, ParameterCount count, long least, long most) {
    int site = gene / SupportTensor.COUNT;
    long now = siteCount(codes, site, count);
    byte own = codes[gene];
    List<Byte> result = new ArrayList<>();
    for (byte code : legal[gene]) {
      codes[gene] = code;
      long difference = siteCount(codes, site, count) - now;
      if (code != own && difference >= least && difference <= most) {
        result.add(code);
      }
    }
    codes[gene] = own;
    return result;
  }
}
