package dev.glora.data;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The test split, closed until someone writes down that it is opened.
 *
 * <p>The only way to test's rows. {@link #open} records first and reads after, so a process that
 * dies between the two has counted an opening too many, never one too few. The packages of the
 * search and of the training may not name this type.
 */
public final class SealedTest {
  /** Writes an opening down, durably. */
  @FunctionalInterface
  public interface OpeningLog {
    /**
     * Records the opening; returns only when it would survive the process.
     *
     * @return number of the opening
     */
    long write();
  }

  private final PreparedSet set;

  /**
   * Seals the test split of a set. Reads nothing.
   *
   * @param set the set
   */
  public SealedTest(PreparedSet set) {
    this.set = set;
  }

  /**
   * What one opening gives.
   *
   * @param test the task's own test split
   * @param further the further test sets, by the names of their splits
   */
  public record Opened(Split test, Map<String, Split> further) {}

  /**
   * Records the opening, then checks the files' digests and maps the rows.
   *
   * @param log where openings are written down
   * @return the test split, and the further test sets with it
   */
  public Opened open(OpeningLog log) {
    log.write();
    Map<String, Split> further = new LinkedHashMap<>();
    for (String name : set.furtherTests()) {
      further.put(name, set.split(name));
    }
    return new Opened(set.split("test"), further);
  }
}
