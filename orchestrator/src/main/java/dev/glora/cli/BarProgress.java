package dev.glora.cli;

import dev.glora.run.RunListener;
import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress for a terminal: a bar for the stage, with rate, time left and the best value. */
final class BarProgress implements RunListener, AutoCloseable {
  private static final int REFRESH_MILLIS = 250;

  private final PrintStream out;
  private final boolean color;
  private ProgressBar bar;
  private String run = "";
  private String stage = "";
  private long total;

  BarProgress(PrintStream out, boolean color) {
    this.out = out;
    this.color = color;
  }

  @Override
  public void stage(String newRun, String newStage, long newTotal) {
    close();
    if (!newRun.equals(run)) {
      run = newRun;
      out.println(run);
    }
    stage = newStage;
    total = newTotal;
    // A stage that counts gets its bar with the first count: steps of an earlier process are in it,
    // and are not to count for the rate.
    if (total <= 0) {
      bar = open(0);
    }
  }

  @Override
  public void advance(long done, String note) {
    if (bar == null) {
      bar = open(done);
    }
    bar.stepTo(done);
    bar.setExtraMessage(note == null || note.isEmpty() ? "" : " " + note);
  }

  @Override
  public void stageDone(String summary) {
    if (bar != null && total > 0) {
      bar.stepTo(total);
    }
    close();
    if (summary != null && !summary.isEmpty()) {
      out.println("  " + summary);
    }
  }

  @Override
  public void message(String line) {
    if (bar != null) {
      bar.pause();
      out.println();
    }
    out.println(line);
    if (bar != null) {
      bar.resume();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private ProgressBar open(long from) {
    return new ProgressBarBuilder()
        .setTaskName(stage)
        .setInitialMax(total > 0 ? total : -1)
        .setStyle(color ? ProgressBarStyle.COLORFUL_UNICODE_BLOCK : ProgressBarStyle.UNICODE_BLOCK)
        .setUpdateIntervalMillis(REFRESH_MILLIS)
        .setConsumer(new ConsoleProgressBarConsumer(out))
        .startsFrom(from, Duration.ZERO)
        .showSpeed()
        .build();
  }
}
