package dev.glora.store;

import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which evaluations are under way, in all processes that share a store, so that two runs with the
 * same checkpoint do not both evaluate a structure. A claim holds as long as the lease under which
 * it was made; that of an owner who gave no sign of life in time is void.
 */
public final class Claims {
  /** Whoever claims waits for whoever does, whatever their runs. */
  private static final String ALL = "claims";

  private final Database database;
  private final Lease lease;

  Claims(Database database, Lease lease) {
    this.database = database;
    this.lease = lease;
  }

  /**
   * Claims those of some evaluations that nobody has claimed.
   *
   * @param keys digests of all that an evaluation depends on
   * @return those that are the caller's now; what it has claimed before is not among them
   * @throws LeaseLostException if the lease is lost
   */
  public Set<String> take(Collection<String> keys) {
    return database.write(
        ALL,
        "claim",
        handle -> {
          Leases.check(handle, lease);
          handle.execute(
              "delete from claim where not exists (select 1 from lease where lease.subject ="
                  + " claim.subject and lease.token = claim.token and lease.expires > "
                  + database.clock()
                  + ")");
          Set<String> taken = new TreeSet<>(keys);
          taken.removeIf(
              key ->
                  handle.execute(
                          "insert into claim (cache_key, subject, token) values (?, ?, ?) on"
                              + " conflict (cache_key) do nothing",
                          key,
                          lease.subject(),
                          lease.token())
                      == 0);
          return taken;
        });
  }

  /**
   * Gives claims of the caller's back. Those of others are left alone.
   *
   * @param keys what was taken
   */
  public void giveBack(Collection<String> keys) {
    database.write(
        ALL,
        "claim",
        handle -> {
          for (String key : keys) {
            handle.execute(
                "delete from claim where cache_key = ? and subject = ? and token = ?",
                key,
                lease.subject(),
                lease.token());
          }
          return keys.size();
        });
  }
}
