package dev.glora.run;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * What the runs that this process does at once are evaluating, so that two with the same checkpoint
 * do not both evaluate a structure: the second one waits, and finds the first one's result in the
 * store.
 */
final class Claims {
  private static final long LOOK_AGAIN_MILLIS = 200;

  private final Set<String> taken = new HashSet<>();

  /** Takes those of some things that nobody has, and returns them. */
  synchronized <T> List<T> take(Collection<T> wanted, Function<T, String> key) {
    List<T> got = new ArrayList<>();
    for (T each : wanted) {
      if (taken.add(key.apply(each))) {
        got.add(each);
      }
    }
    return got;
  }

  /** Gives things back that were taken. */
  synchronized <T> void giveBack(Collection<T> own, Function<T, String> key) {
    own.forEach(each -> taken.remove(key.apply(each)));
    notifyAll();
  }

  /**
   * Waits until nobody has a thing.
   *
   * @param key of the thing; the caller has nothing that another may wait for
   * @param stop asked now and then, whether to wait no longer
   */
  synchronized void await(String key, BooleanSupplier stop) {
    while (taken.contains(key) && !stop.getAsBoolean()) {
      try {
        wait(LOOK_AGAIN_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
