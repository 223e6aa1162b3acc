package dev.glora.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Who works on what. A lease holds until it expires unless its owner renews it; then anybody may
 * take the subject over, and gets a higher token. A store that writes under a lease ({@link
 * RunStore#under}) compares tokens in the transaction of each write, so that an owner that was away
 * for too long changes nothing when it comes back.
 */
public final class Leases {
  private final Database database;

  Leases(Database database) {
    this.database = database;
  }

  /**
   * Takes a subject that nobody holds, or whose holder gave no sign of life in time.
   *
   * @param run the run that it belongs to, which is in the store
   * @param subject the run's id, or the id, a slash and a part of the run
   * @param owner a name that no other worker has
   * @param length how long the lease holds without being renewed
   * @return the lease, or nothing while another holds one
   */
  public Optional<Lease> acquire(String run, String subject, String owner, Duration length) {
    return database.write(
        run,
        "lease",
        handle -> {
          long now = now(handle);
          int taken =
              handle.execute(
                  "insert into lease (subject, run, owner, token, renewed, expires, progress,"
                      + " progressed) values (?, ?, ?, 1, ?, ?, 0, ?) on conflict (subject) do"
                      + " update set owner = excluded.owner, token = lease.token + 1, renewed ="
                      + " excluded.renewed, expires = excluded.expires, progress = 0, progressed ="
                      + " excluded.progressed where lease.expires <= excluded.renewed",
                  subject,
                  run,
                  owner,
                  now,
                  Math.addExact(now, length.toMillis()),
                  now);
          return taken == 1 ? find(handle, subject) : Optional.empty();
        });
  }

  /**
   * Gives a sign of life.
   *
   * @param lease a lease of the caller's
   * @param length how long it holds from now on without the next sign
   * @param progress how far the work is, any number that grows with it
   * @return the lease as it is now
   * @throws LeaseLostException if it has been taken over, revoked or released
   */
  public Lease renew(Lease lease, Duration length, long progress) {
    return database.write(
        lease.run(),
        "lease",
        handle -> {
          long now = now(handle);
          int renewed =
              handle.execute(
                  "update lease set renewed = ?, expires = ?, progressed = case when progress = ?"
                      + " then progressed else ? end, progress = ? where subject = ? and token = ?",
                  now,
                  Math.addExact(now, length.toMillis()),
                  progress,
                  now,
                  progress,
                  lease.subject(),
                  lease.token());
          if (renewed == 0) {
            throw new LeaseLostException(lease);
          }
          return find(handle, lease.subject()).orElseThrow();
        });
  }

  /**
   * Gives a subject back; it can be taken at once. A lease that is lost already stays so.
   *
   * @param lease a lease of the caller's
   */
  public void release(Lease lease) {
    end(lease);
  }

  /**
   * Takes a subject from its owner, who may be at work still: it cannot write from now on.
   *
   * @param lease the lease as the caller saw it; a later one is left alone
   * @return whether it was taken
   */
  public boolean revoke(Lease lease) {
    return end(lease);
  }

  private boolean end(Lease lease) {
    // The token grows here as well: who has no lease must not write, even before the next has one.
    return database.write(
        lease.run(),
        "lease",
        handle ->
            handle.execute(
                    "update lease set owner = '', token = token + 1, expires = 0 where subject = ?"
                        + " and token = ?",
                    lease.subject(),
                    lease.token())
                == 1);
  }

  /**
   * Says who holds a subject.
   *
   * @param subject a subject
   * @return its lease, or nothing where there is none or it has expired
   */
  public Optional<Lease> holder(String subject) {
    return database.read(
        handle ->
            find(handle, subject).filter(lease -> lease.expires().toEpochMilli() > now(handle)));
  }

  /**
   * Lists the leases of a run that somebody holds or has let expire.
   *
   * @param run a run's id
   * @return its leases without those given back, by subject
   */
  public List<Lease> of(String run) {
    return database.read(
        handle ->
            handle
                .createQuery("select * from lease where run = ? and owner <> '' order by subject")
                .bind(0, run)
                .map((rows, context) -> lease(rows))
                .list());
  }

  /** Refuses what comes from an owner of earlier times. */
  static void check(Handle handle, Lease lease) {
    boolean holds =
        handle
            .createQuery("select token from lease where subject = ?")
            .bind(0, lease.subject())
            .mapTo(Long.class)
            .findOne()
            .filter(token -> token == lease.token())
            .isPresent();
    if (!holds) {
      throw new LeaseLostException(lease);
    }
  }

  private long now(Handle handle) {
    return handle.createQuery("select " + database.clock()).mapTo(Long.class).one();
  }

  private static Optional<Lease> find(Handle handle, String subject) {
    return handle
        .createQuery("select * from lease where subject = ?")
        .bind(0, subject)
        .map((rows, context) -> lease(rows))
        .findOne();
  }

  private static Lease lease(ResultSet rows) throws SQLException {
    return new Lease(
        rows.getString("run"),
        rows.getString("subject"),
        rows.getString("owner"),
        rows.getLong("token"),
        Instant.ofEpochMilli(rows.getLong("renewed")),
        Instant.ofEpochMilli(rows.getLong("expires")),
        rows.getLong("progress"),
        Instant.ofEpochMilli(rows.getLong("progressed")));
  }
}
