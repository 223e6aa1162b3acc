package dev.glora.search;

import java.util.List;
import java.util.Optional;

/** No search: one given structure is evaluated and taken. */
public final class SingleStrategy implements Strategy {
  private final Proposal proposal;
  private Result result;

  /**
   * Takes the structure.
   *
   * @param proposal the structure and where it comes from
   */
  public SingleStrategy(Proposal proposal) {
    this.proposal = proposal;
  }

  @Override
  public List<Proposal> ask() {
    return result == null ? List.of(proposal) : List.of();
  }

  @Override
  public void tell(List<Result> results) {
    result = results.get(0);
  }

  @Override
  public Optional<Result> best() {
    return Optional.ofNullable(result);
  }

  @Override
  public long evaluations() {
    return 1;
  }
}
