package dev.glora.bridge.worker;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker writes to its standard output and error: native code, the JVM itself, and processes
 * started there. It is logged, and the last lines are kept, beside those that Python wrote.
 */
final class LastLines {

  private static final Logger LOG = LoggerFactory.getLogger("python.worker");
  private static final int LINES = 50;

  /** Longer lines are logged in parts. */
  private static final int LINE_BYTES = 8 << 10;

  private final Deque<String> last = new ArrayDeque<>();
  private final Thread thread;

  LastLines(InputStream stream, String name) {
    thread = new Thread(() -> drain(stream), name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Returns the thread that reads, which ends with the stream. */
  Thread thread() {
    return thread;
  }

  synchronized void add(String line) {
    if (last.size() == LINES) {
      last.removeFirst();
    }
    last.addLast(line);
  }

  /** Returns the last lines, oldest first. */
  synchronized List<String> lines() {
    return List.copyOf(last);
  }

  private void drain(InputStream stream) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try (InputStream in = new BufferedInputStream(stream)) {
      for (int next = in.read(); next >= 0; next = in.read()) {
        if (next != '\n') {
          line.write(next);
        }
        if (next == '\n' || line.size() == LINE_BYTES) {
          take(line);
        }
      }
    } catch (IOException e) {
      LOG.debug("The output of a worker was not read to its end", e);
    }
    if (line.size() > 0) {
      take(line);
    }
  }

  private void take(ByteArrayOutputStream line) {
    String text = line.toString(StandardCharsets.UTF_8);
    line.reset();
    add(text);
    LOG.info("{}", text);
  }
}
