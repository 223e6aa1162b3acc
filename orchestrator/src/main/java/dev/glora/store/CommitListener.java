package dev.glora.store;

/** Hears of the commits of a store; tests kill the process there. */
@FunctionalInterface
public interface CommitListener {
  /**
   * A transaction is about to be committed, or has been.
   *
   * @param run the run that it is about
   * @param what the table or section that is written
   * @param done false before the commit, true after it
   */
  void commit(String run, String what, boolean done);
}
