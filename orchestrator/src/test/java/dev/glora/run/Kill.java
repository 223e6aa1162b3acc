package dev.glora.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * A moment at which the command is to be killed.
 *
 * @param kind what is to be hit: {@code start}, {@code download}, {@code prepare}, {@code train},
 *     {@code supernet}, {@code search}, {@code final}, {@code merge}, {@code test} or {@code store}
 * @param label the method whose run it is about
 * @param stage the stage that it waits for
 * @param done how far the stage has to be
 * @param micros how long it waits after that
 */
record Kill(String kind, String label, String stage, long done, long micros) {
  /** How far {@code prepare} is once it has begun to write. */
  static final long HALF_WRITTEN = 1;

  private static final String[] MODES = {"inherit", "finetune", "retrain"};

  /**
   * Draws the kills of one run folder, in the order in which a run comes to them.
   *
   * @param seed of all draws
   * @return a kill for each start of the command but the last
   */
  static List<Kill> draw(long seed) {
    Draw draw = new Draw(new SplittableRandom(seed));
    List<Kill> kills = new ArrayList<>();
    kills.add(draw.kill("start", "head", "", 0, 1_500_000));
    kills.add(draw.kill("store", "head", "", draw.between(1, 6), 0));
    kills.add(draw.kill("download", "head", "download", draw.between(0, 20), 1000));
    kills.add(draw.kill("download", "head", "download", draw.between(21, 63), 1000));
    kills.add(draw.kill("prepare", "head", "prepare", 0, 400_000));
    kills.add(draw.kill("prepare", "head", "prepare", HALF_WRITTEN, 30_000));
    kills.add(draw.kill("train", "lora", "train", draw.between(1, 29), 10_000));
    kills.add(draw.kill("supernet", "glora", "supernet", draw.between(1, 12), 10_000));
    kills.add(draw.kill("supernet", "glora", "supernet", draw.between(14, 29), 10_000));
    kills.add(draw.kill("search", "glora", "search", draw.between(1, 7), 20_000));
    kills.add(draw.kill("store", "glora", "search", draw.between(8, 12), 0));
    kills.add(draw.kill("search", "glora", "search", draw.between(13, 16), 20_000));
    int merged = draw.between(0, 2);
    int tested = draw.between(0, 2);
    for (int i = 0; i < MODES.length; i++) {
      boolean inherit = MODES[i].equals("inherit");
      int done = inherit ? 0 : draw.between(1, 30);
      kills.add(draw.kill("final", "glora", "final:" + MODES[i], done, 30_000));
      if (i != merged) {
        kills.add(draw.kill("merge", "glora", "merge:" + MODES[i], draw.between(0, 64), 20_000));
      }
      if (i == tested) {
        kills.add(draw.kill("test", "glora", "test:" + MODES[i], draw.between(0, 28), 10_000));
      }
    }
    kills.add(draw.kill("store", "glora", "test:retrain", 0, 0));
    return kills;
  }

  /** An earlier moment, for one that came too late. */
  Kill earlier() {
    boolean fixed = kind.equals("download") || kind.equals("store") || kind.equals("prepare");
    return new Kill(kind, label, stage, fixed ? done : done / 2, micros / 2);
  }

  @Override
  public String toString() {
    String moment = stage.isEmpty() ? "event" : stage;
    return String.format(
        Locale.ROOT, "%s of %s at %s %d + %.1f ms", kind, label, moment, done, micros / 1e3);
  }

  private record Draw(SplittableRandom random) {
    int between(int least, int most) {
      return least + random.nextInt(most - least + 1);
    }

    Kill kill(String kind, String label, String stage, long done, int micros) {
      return new Kill(kind, label, stage, done, between(0, micros));
    }
  }
}
