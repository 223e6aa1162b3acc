package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.run.RunListener;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final long SECOND = 1_000_000_000L;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final AtomicLong clock = new AtomicLong();

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void linesComeEveryFewSecondsWithRateNoteAndTimeLeft() {
    RunListener progress = new LineProgress(out, clock::get);

    progress.stage("r", "supernet", 100);
    for (int step = 0; step <= 60; step++) {
      progress.advance(step, "loss 0.5");
      clock.addAndGet(SECOND / 5);
    }
    progress.stageDone("loss 0.4");

    assertThat(text())
        .isEqualTo(
            """
            r supernet 0/100 …
            r supernet 25/100, 5.0/s, 15 s left, loss 0.5
            r supernet 50/100, 5.0/s, 10 s left, loss 0.5
            r supernet done in 12 s: loss 0.4
            """);
  }

  @Test
  void stepsOfAnEarlierProcessDoNotCountForTheRate() {
    RunListener progress = new LineProgress(out, clock::get);

    progress.stage("r", "supernet", 100);
    progress.advance(80, "");
    clock.addAndGet(10 * SECOND);
    progress.advance(90, "");

    assertThat(text()).contains("r supernet 90/100, 1.0/s, 10 s left\n");
  }

  @Test
  void stageOfUnknownLengthHasNoTimeLeft() {
    RunListener progress = new LineProgress(out, clock::get);

    progress.stage("r", "download", 0);
    clock.addAndGet(70 * SECOND);
    progress.stageDone("");

    assertThat(text()).isEqualTo("r download …\nr download done in 1:10 min\n");
  }
}
