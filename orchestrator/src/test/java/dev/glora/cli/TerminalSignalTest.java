package dev.glora.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ctrl-C on a terminal, where a progress bar is drawn: the bar must not take the signal away. */
class TerminalSignalTest {
  /** Runs its arguments on a terminal of their own and types Ctrl-C when it reads "ready". */
  private static final String TERMINAL =
      """
      import os, pty, signal, sys
      child, terminal = pty.fork()
      if child == 0:
          # A build that was started in the background passes SIGINT on as ignored.
          signal.signal(signal.SIGINT, signal.SIG_DFL)
          os.execvp(sys.argv[1], sys.argv[1:])
      seen, typed = b"", False
      while True:
          try:
              part = os.read(terminal, 4096)
          except OSError:
              break
          if not part:
              break
          seen += part
          if not typed and b"ready" in seen:
              os.write(terminal, bytes([3]))
              typed = True
      sys.stdout.buffer.write(seen)
      sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
      """;

  /** Draws two bars, one after the other, then waits for the signal. */
  static final class Drawing {
    private Drawing() {}

    /** Ends with 7 when the signal arrives at its handler. */
    public static void main(String[] arguments) throws InterruptedException {
      Signals.handle(
          code -> {
            System.err.println("heard " + code);
            Runtime.getRuntime().halt(7);
          });
      BarProgress bar = new BarProgress(System.err, false);
      bar.stage("r", "download", 0);
      bar.stageDone("");
      bar.stage("r", "train", 10);
      bar.advance(1, "");
      Thread.sleep(1_000);
      bar.message("ready");
      Thread.sleep(60_000);
    }
  }

  @Test
  void ctrlCReachesItsHandlerWhileABarIsDrawn() throws IOException, InterruptedException {
    Path python = Path.of(System.getProperty("glora.root"), ".venv", "bin", "python");
    List<String> java =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Drawing.class.getName());
    ProcessBuilder builder = new ProcessBuilder(python.toString(), "-c", TERMINAL);
    builder.command().addAll(java);
    builder.redirectErrorStream(true);
    Process process = builder.start();
    process.getOutputStream().close();

    String seen = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(seen).contains("heard 130");
    assertThat(process.waitFor()).isEqualTo(7);
  }
}
