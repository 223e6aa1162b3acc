package dev.glora.store;

import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/** What the store asks of a database; the SQL of the tables is the same for all. */
interface Database extends AutoCloseable {
  /** Version of the tables that the newest migration leaves behind, the same for all databases. */
  int SCHEMA = 4;

  /**
   * Tells a listener before and after each commit.
   *
   * @param listener called on the thread that commits
   */
  void onCommit(CommitListener listener);

  /**
   * Asks.
   *
   * @param work gets a connection that it has alone
   * @return what the work returns
   */
  <T> T read(Function<Handle, T> work);

  /**
   * Writes in one transaction, on disk when this returns. Two transactions about the same run come
   * one after the other, so that what one reads is still true when it writes.
   *
   * @param run the run that it is about
   * @param what the table or section that is written
   * @param work gets a connection in a transaction
   * @return what the work returns
   */
  <T> T write(String run, String what, Function<Handle, T> work);

  /** SQL for the milliseconds since 1970 by the database's own clock. */
  String clock();

  @Override
  void close();
}
