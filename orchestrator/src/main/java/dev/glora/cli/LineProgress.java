package dev.glora.cli;

import dev.glora.run.RunListener;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Progress for pipes and logs: a line when a stage begins and ends, and every few seconds. */
final class LineProgress implements RunListener {
  private static final long PAUSE = TimeUnit.SECONDS.toNanos(5);

  private final PrintStream out;
  private final LongSupplier nanos;
  private String run = "";
  private String stage = "";
  private long total;
  private long began;
  private long told;
  private long first = -1;

  LineProgress(PrintStream out, LongSupplier nanos) {
    this.out = out;
    this.nanos = nanos;
  }

  @Override
  public void stage(String newRun, String newStage, long newTotal) {
    run = newRun;
    stage = newStage;
    total = newTotal;
    began = nanos.getAsLong();
    told = began;
    first = -1;
    out.println(run + " " + stage + (total > 0 ? " 0/" + total : "") + " …");
  }

  @Override
  public void advance(long done, String note) {
    long now = nanos.getAsLong();
    if (first < 0) {
      // Steps of an earlier process do not count for the rate.
      first = done;
      began = now;
    }
    if (now - told < PAUSE) {
      return;
    }
    told = now;
    StringBuilder line = new StringBuilder(run).append(' ').append(stage).append(' ').append(done);
    if (total > 0) {
      line.append('/').append(total);
    }
    double rate = (done - first) / Math.max(1e-9, (now - began) / 1e9);
    if (done > first) {
      line.append(String.format(Locale.ROOT, ", %.1f/s", rate));
      if (total > done) {
        line.append(", ").append(duration((long) ((total - done) / rate))).append(" left");
      }
    }
    if (note != null && !note.isEmpty()) {
      line.append(", ").append(note);
    }
    out.println(line);
  }

  @Override
  public void stageDone(String summary) {
    long seconds = TimeUnit.NANOSECONDS.toSeconds(nanos.getAsLong() - began);
    out.println(
        run
            + " "
            + stage
            + " done in "
            + duration(seconds)
            + (summary == null || summary.isEmpty() ? "" : ": " + summary));
  }

  @Override
  public void message(String line) {
    out.println(line);
  }

  /** Lines name their run, so those of several may come in any order. */
  @Override
  public RunListener of(String ofRun) {
    return new LineProgress(out, nanos);
  }

  static String duration(long seconds) {
    return seconds < 60
        ? seconds + " s"
        : String.format(Locale.ROOT, "%d:%02d min", seconds / 60, seconds % 60);
  }
}
