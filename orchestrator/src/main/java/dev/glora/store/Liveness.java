package dev.glora.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Tells a run at work from one whose process was killed: who works on a run holds a lock on {@code
 * <runs>/<run>/lock}, which the system releases however the process ends, and a lease in the store,
 * which says the same to those who share the store and not the folder.
 */
public final class Liveness {
  /** Name of the locked file in a run's folder. */
  public static final String LOCK = "lock";

  private Liveness() {}

  /**
   * Says where a run stands in truth.
   *
   * @param store the store that the run is in
   * @param runs folder of the runs
   * @param row a run
   * @return its status; {@link RunStatus#INTERRUPTED} for a running one that nobody works on
   */
  public static RunStatus status(RunStore store, Path runs, RunRow row) {
    return status(store, runs, row.id(), row.status());
  }

  /**
   * Says where a run stands in truth.
   *
   * @param store the store that the run is in
   * @param runs folder of the runs
   * @param run the run's id
   * @param stored where the store says that it stands
   * @return the same; {@link RunStatus#INTERRUPTED} for a running one that nobody works on
   */
  public static RunStatus status(RunStore store, Path runs, String run, RunStatus stored) {
    return stored == RunStatus.RUNNING
            && !held(runs.resolve(run).resolve(LOCK))
            && worker(store, run).isEmpty()
        ? RunStatus.INTERRUPTED
        : stored;
  }

  /**
   * Says who works on a run.
   *
   * @param store the store that the run is in
   * @param run the run's id
   * @return the run's lease, unless it has expired or its owner's process is known to have ended
   */
  public static Optional<Lease> worker(RunStore store, String run) {
    return store
        .leases()
        .holder(run)
        .filter(lease -> Owner.of(lease.owner()).map(owner -> !owner.gone()).orElse(true));
  }

  /** Whether a process holds the lock. */
  static boolean held(Path file) {
    if (!Files.exists(file)) {
      return false;
    }
    // Shared, so that two questions at once do not take each other for a worker.
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
      return lock == null;
    } catch (OverlappingFileLockException e) {
      return true;
    } catch (IOException e) {
      // What cannot be asked is taken as the store says it is: at work.
      return true;
    }
  }
}
