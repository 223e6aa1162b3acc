package dev.glora.bridge.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.bridge.worker.Link.Frame;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames, whole and damaged: each is read as it was, or refused, and nobody waits for more. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LinkTest {

  private static byte[] written(Frame... frames) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new Link(InputStream.nullInputStream(), bytes).send(frames);
    return bytes.toByteArray();
  }

  private static Link reading(byte[] bytes) {
    return new Link(new ByteArrayInputStream(bytes), OutputStream.nullOutputStream());
  }

  private static Frame drawn(SplittableRandom random) {
    Object value = Drawn.value(random, 3);
    Object[] program = Program.encode(new Object[] {value}, "test", id -> {}, f -> null);
    return Frame.of(Verb.CALL, random.nextLong(), program[0], program[1]);
  }

  private static Object value(Frame frame) {
    return Program.decode(frame.text(1), frame.list(2), number -> null).get(0);
  }

  @Test
  void valuesComeBackAsTheyWere() throws IOException {
    for (int seed = 0; seed < 500; seed++) {
      Object value = Drawn.value(new SplittableRandom(seed), 5);
      Object[] program = Program.encode(new Object[] {value}, "test", id -> {}, f -> null);
      Frame frame = Frame.of(Verb.CALL, 7, program[0], program[1]);
      Link link = reading(written(frame, frame));
      for (int i = 0; i < 2; i++) {
        Frame back = link.read();
        assertThat(back.verb()).isEqualTo(Verb.CALL);
        assertThat(back.number(0)).isEqualTo(7);
        assertThat(Drawn.comparable(value(back))).isEqualTo(Drawn.comparable(value));
      }
      assertThatThrownBy(link::read).isInstanceOf(EOFException.class);
    }
  }

  @Test
  void deferredFramesComeFirst() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Link link = new Link(InputStream.nullInputStream(), bytes);
    link.defer(Frame.of(Verb.END, false));
    assertThat(bytes.size()).isZero();
    assertThatThrownBy(() -> link.send(Frame.of(Verb.CALL, 1L, Thread.currentThread())))
        .isInstanceOf(ClassCastException.class);
    assertThat(bytes.size()).isZero();
    link.send(Frame.of(Verb.BEGIN));
    Link back = reading(bytes.toByteArray());
    assertThat(back.read().verb()).isEqualTo(Verb.END);
    assertThat(back.read().verb()).isEqualTo(Verb.BEGIN);
  }

  @Test
  void cutFramesAreTheEnd() throws IOException {
    byte[] whole = written(drawn(new SplittableRandom(3)), drawn(new SplittableRandom(4)));
    for (int cut = 0; cut < whole.length; cut++) {
      Link link = reading(Arrays.copyOf(whole, cut));
      assertThatThrownBy(
              () -> {
                link.read();
                link.read();
              })
          .isInstanceOf(EOFException.class);
    }
  }

  @Test
  void damagedFramesAreReadOrRefused() throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      byte[] bytes = written(drawn(random));
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        reading(bytes).read();
      } catch (IOException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(1_000, 5_000);
  }

  @Test
  void garbageIsRefused() {
    SplittableRandom random = new SplittableRandom(6);
    for (int i = 0; i < 1_000; i++) {
      byte[] bytes = new byte[random.nextInt(8, 64)];
      random.nextBytes(bytes);
      if (i % 2 == 0) { // A frame by its header, with anything inside.
        ByteBuffer.wrap(bytes).putInt(0, Link.MAGIC).putInt(4, bytes.length - 8);
      }
      assertThatThrownBy(() -> reading(bytes).read()).isInstanceOf(IOException.class);
    }
  }

  /** Processes that are no workers, as their parent sees them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "exit 3",
        "printf 'what is this'",
        "printf glo1; printf '\\000\\000\\000\\004[99]'; sleep 50",
        "printf glo1; printf '\\177\\377\\377\\377['",
        "printf 'anything else than a frame'; exec sleep 50",
        "exec cat"
      })
  void whoeverAnswersOtherwiseIsNoWorker(String script) {
    WorkerProcess process =
        new WorkerProcess(List.of("/bin/sh", "-c", script), Duration.ofMinutes(1));
    try {
      assertThatThrownBy(
              () -> {
                process.send(Frame.of(Verb.BEGIN));
                process.answer();
              })
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("ended with status");
      assertThat(ProcessHandle.of(process.pid())).isEmpty();
    } finally {
      process.abandon();
    }
  }

  /** What a worker does whose parent makes no sense, or is gone. */
  @Test
  void workersRefuseWhatIsNoFrameAndEndWithTheirParent() throws Exception {
    List<String> command = WorkerCommand.of(PythonConfig.builder().backend("worker").build());
    Process confused = new ProcessBuilder(command).start();
    confused.getOutputStream().write("anything else than a frame".getBytes(StandardCharsets.UTF_8));
    confused.getOutputStream().flush();
    assertThat(confused.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(confused.exitValue()).isEqualTo(4);
    assertThat(new String(confused.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("a frame was expected");
    Process orphan = new ProcessBuilder(command).start();
    orphan.getOutputStream().close();
    assertThat(orphan.waitFor(30, TimeUnit.SECONDS)).isTrue();
  }
}
