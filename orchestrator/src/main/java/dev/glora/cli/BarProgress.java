package dev.glora.cli;

import dev.glora.run.RunListener;
import java.io.PrintStream;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import me.tongfei.progressbar.ProgressState;

/** Progress for a terminal: a bar for the stage, with rate, time left and the best value. */
final class BarProgress implements RunListener {
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
    end();
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
    end();
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

  /** Of several stages at once no bar can be drawn on one line. */
  @Override
  public RunListener of(String ofRun) {
    return new LineProgress(out, System::nanoTime);
  }

  @Override
  public void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private ProgressBar open(long from) {
    ProgressBarBuilder builder = new ProgressBarBuilder();
    if (total <= 0) {
      builder.setRenderer(BarProgress::elapsed);
    }
    return builder
        .setTaskName(stage)
        .setInitialMax(total > 0 ? total : -1)
        .setStyle(color ? ProgressBarStyle.COLORFUL_UNICODE_BLOCK : ProgressBarStyle.UNICODE_BLOCK)
        .setUpdateIntervalMillis(REFRESH_MILLIS)
        .setConsumer(new Line(out))
        .startsFrom(from, Duration.ZERO)
        .showSpeed(new DecimalFormat("0.0", DecimalFormatSymbols.getInstance(Locale.ROOT)))
        .build();
  }

  /**
   * The line that the bar is drawn on. Asked for the terminal's width, the library's own would open
   * the terminal through JLine, which gives Ctrl-C back to the JVM: it would end without saving.
   */
  private static final class Line extends ConsoleProgressBarConsumer {
    private Line(PrintStream out) {
      super(out);
    }

    @Override
    public int getMaxRenderedLength() {
      // A character in the last column would move the cursor to the next line.
      return Terminal.columns() - 1;
    }
  }

  /** A stage that does not count: a bar would show nothing but question marks. */
  private static String elapsed(ProgressState state, int width) {
    long seconds = state.getElapsedAfterStart().toSeconds();
    String line =
        String.format(Locale.ROOT, "%s … %d:%02d", state.getTaskName(), seconds / 60, seconds % 60);
    return line.substring(0, Math.min(line.length(), width));
  }
}
