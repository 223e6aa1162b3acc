package dev.glora.api;

import dev.glora.run.RunListener;
import dev.glora.store.RunEvent;
import dev.glora.store.RunStore;
import java.util.List;
import java.util.Optional;

/** Notes the begin of each stage in the store, so that another process can tell where a run is. */
final class StageEvents implements RunListener {
  private static final String KIND = "STAGE";

  private final RunListener next;
  private final RunStore store;

  StageEvents(RunListener next, RunStore store) {
    this.next = next;
    this.store = store;
  }

  /** The stage that a run began last. */
  static Optional<String> last(RunStore store, String run) {
    List<RunEvent> events = store.events(run);
    for (int i = events.size() - 1; i >= 0; i--) {
      if (events.get(i).kind().equals(KIND)) {
        return Optional.of(events.get(i).text());
      }
    }
    return Optional.empty();
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
