package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.run.GloraProcess.Event;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/** A folder of runs, with a cache of its own, whose command is killed again and again. */
final class Killed {
  private static final int DRAWS = 8;
  private static final long POLL_NANOS = 1_000_000;
  private static final int SLICE_NANOS = 600_000;

  private final TinyCommand command;
  private final PackageIndex index;
  private final SplittableRandom slices;
  private final Map<String, Integer> landed = new TreeMap<>();

  /**
   * Names a folder.
   *
   * @param command the command, with a folder that does not exist yet
   * @param index where it gets its model
   * @param seed of the draws that are not in the plan
   */
  Killed(TinyCommand command, PackageIndex index, long seed) {
    this.command = command;
    this.index = index;
    this.slices = new SplittableRandom(seed + 1);
  }

  /** How many kills have hit what they were to hit, by its kind. */
  Map<String, Integer> landed() {
    return landed;
  }

  /**
   * Starts the command and kills it at that moment.
   *
   * <p>A kill that came too late is taken back: what the folder held before is restored, and an
   * earlier moment is tried. So every kill that counts is known to have hit.
   */
  void strike(Kill planned) throws IOException, InterruptedException {
    command.save();
    Kill kill = planned;
    for (int draw = 0; !hit(kill); draw++) {
      assertThat(draw).as("draws without a hit, of %s", planned).isLessThan(DRAWS);
      command.restore();
      kill = kill.earlier();
    }
    landed.merge(kill.kind(), 1, Integer::sum);
  }

  private boolean hit(Kill kill) throws IOException, InterruptedException {
    boolean download = kill.kind().equals("download");
    if (download) {
      index.stopBefore((int) kill.done());
    } else {
      index.flow();
    }
    try (GloraProcess process = command.start()) {
      while (!due(kill, process) && process.alive()) {
        LockSupport.parkNanos(POLL_NANOS);
      }
      LockSupport.parkNanos(1000 * kill.micros());
      if (kill.kind().equals("store")) {
        stopInCommit(process);
      }
      if (process.alive()) {
        process.signalGroup("KILL");
      }
      int status = process.await();
      assertThat(status)
          .as("exit status before %s, with the output\n%s", kill, process.output())
          .isIn(0, GloraProcess.KILLED);
      if (download && status != 0) {
        // Of the same group, so killed too; else it would go on fetching.
        assertThat(index.abandoned()).isTrue();
      }
      return status != 0 && isHit(kill, process.events());
    }
  }

  private boolean due(Kill kill, GloraProcess process) throws IOException {
    return switch (kill.kind()) {
      case "start" -> true;
      case "download" -> index.reached();
      case "prepare" ->
          came(kill, 0, process) && (kill.done() != Kill.HALF_WRITTEN || command.halfWritten());
      case "store" ->
          kill.stage().isEmpty()
              ? process.events().size() >= kill.done()
              : came(kill, kill.done(), process);
      default -> came(kill, kill.done(), process);
    };
  }

  private static boolean came(Kill kill, long done, GloraProcess process) throws IOException {
    return process.events().stream().anyMatch(event -> of(kill, event) && event.done() >= done);
  }

  private static boolean of(Kill kill, Event event) {
    return event.stage().equals(kill.stage()) && event.run().contains("-" + kill.label() + "-s");
  }

  /** Lets the processes run in slices of less than a millisecond, until one ends in a commit. */
  private void stopInCommit(GloraProcess process) throws IOException {
    while (process.alive()) {
      process.signalGroup("STOP");
      LockSupport.parkNanos(POLL_NANOS);
      List<Event> events = process.events();
      if (!events.isEmpty() && events.get(events.size() - 1).committing()) {
        return;
      }
      process.signalGroup("CONT");
      LockSupport.parkNanos(slices.nextInt(SLICE_NANOS));
    }
  }

  /** What is left says where the process was: its last event, and whether its stage is recorded. */
  private boolean isHit(Kill kill, List<Event> events) {
    if (kill.kind().equals("start")) {
      return true;
    }
    if (kill.kind().equals("store")) {
      return !events.isEmpty() && events.get(events.size() - 1).committing();
    }
    Event last = null;
    for (Event event : events) {
      last = event.ofStore() ? last : event;
    }
    return last != null && of(kill, last) && !command.recorded(last.run(), last.stage());
  }
}
