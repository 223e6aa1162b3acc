package dev.glora.api;

import dev.glora.GloraException;
import dev.glora.run.RunListener;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes a line for each event into the file that {@code GLORA_EVENTS} names, for dashboards and
 * for tests that kill the process at a chosen moment:
 *
 * <pre>
 *     EPOCH_MILLISECONDS RUN STAGE DONE/TOTAL
 * </pre>
 *
 * A stage begins with {@code 0/TOTAL} and ends with {@code TOTAL/TOTAL}; one of unknown length is
 * {@code 0/1} and {@code 1/1}. A commit of the store is the stage {@code store:SECTION}, {@code
 * 0/1} before and {@code 1/1} after it. Each line is with the system before the work goes on.
 */
final class EventFile implements RunListener, AutoCloseable {
  private final Path file;
  private final OutputStream out;
  private final Events own;

  EventFile(RunListener next, Path file) {
    this.own = new Events(next);
    this.file = file;
    try {
      this.out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw GloraException.environment(
          "The file "
              + file
              + " that GLORA_EVENTS names cannot be written ("
              + e.getMessage()
              + "); name another one or none.",
          e);
    }
  }

  @Override
  public void stage(String run, String stage, long total) {
    own.stage(run, stage, total);
  }

  @Override
  public void advance(long done, String note) {
    own.advance(done, note);
  }

  @Override
  public void stageDone(String summary) {
    own.stageDone(summary);
  }

  @Override
  public void message(String text) {
    own.message(text);
  }

  @Override
  public RunListener of(String run) {
    return new Events(own.next.of(run));
  }

  @Override
  public void end() {
    own.end();
  }

  /** The stages of what goes on one after the other. */
  private final class Events implements RunListener {
    private final RunListener next;
    private String run = "-";
    private String stage = "-";
    private long total = 1;

    private Events(RunListener next) {
      this.next = next;
    }

    @Override
    public synchronized void stage(String newRun, String newStage, long newTotal) {
      run = newRun;
      stage = newStage;
      total = Math.max(1, newTotal);
      line(run, stage, 0, total);
      next.stage(newRun, newStage, newTotal);
    }

    @Override
    public synchronized void advance(long done, String note) {
      line(run, stage, done, total);
      next.advance(done, note);
    }

    @Override
    public synchronized void stageDone(String summary) {
      line(run, stage, total, total);
      next.stageDone(summary);
    }

    @Override
    public void message(String text) {
      next.message(text);
    }

    @Override
    public void end() {
      next.end();
    }
  }

  /** A commit of the store, see {@link dev.glora.store.CommitListener}. */
  void commit(String ofRun, String what, boolean done) {
    line(ofRun, "store:" + what, done ? 1 : 0, 1);
  }

  private synchronized void line(String ofRun, String what, long done, long all) {
    String text =
        System.currentTimeMillis() + " " + ofRun + " " + what + " " + done + "/" + all + "\n";
    try {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw GloraException.failed(
          "The file "
              + file
              + " that GLORA_EVENTS names could not be written ("
              + e.getMessage()
              + "); make room or name none, and give the same command again.",
          e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw GloraException.failed("The file " + file + " could not be closed: " + e, e);
    }
  }
}
