package dev.glora.data;

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
   * Records the opening, then checks the file's digest and maps the rows.
   *
   * @param log where openings are written down
   * @return the test split
   */
  public Split open(OpeningLog log) {
    log.write();
    return set.split("test");
  }
}
