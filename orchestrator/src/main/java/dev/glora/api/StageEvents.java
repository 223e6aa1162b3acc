package dev.glora.api;

import dev.glora.run.RunListener;
import dev.glora.store.RunStore;

/** Notes the begin of each stage in the store, so that another process can tell where a run is. */
final class StageEvents implements RunListener {
  private static final String KIND = "STAGE";

  private final RunListener next;
  private final RunStore store;

  StageEvents(RunListener next, RunStore store) {
    this.next = next;
    this.store = store;
  }

  @Override
  public void stage(String run, String stage, long total) {
    store.event(run, KIND, stage);
    next.stage(run, stage, total);
  }

  @Override
  public void advance(long done, String note) {
    next.advance(done, note);
  }

  @Override
  public void stageDone(String summary) {
    next.stageDone(summary);
  }

  @Override
  public void message(String line) {
    next.message(line);
  }

  @Override
  public void end() {
    next.end();
  }
}
