package dev.glora.cli;

import dev.glora.run.RunListener;
import java.io.PrintStream;
import java.util.Map;
import org.jline.nativ.CLibrary;

/** Whether somebody looks at standard error, and how to show progress there. */
final class Terminal {
  private static final int STANDARD_ERROR = 2;
  private static final int USUAL_COLUMNS = 80;

  private Terminal() {}

  /** Progress as it suits the call and the place it goes to. */
  static RunListener progress(Call call, Map<String, String> environment) {
    if (call.quiet()) {
      return new Silence(call.err());
    }
    // A log between the bars would tear them.
    return !call.verbose() && interactive(call.err(), environment)
        ? new BarProgress(call.err(), color(environment))
        : new LineProgress(call.err(), System::nanoTime);
  }

  /** https://no-color.org: present and not empty means no colour. */
  private static boolean color(Map<String, String> environment) {
    return environment.getOrDefault("NO_COLOR", "").isEmpty();
  }

  /** Columns of the terminal at standard error, as wide as it is now. */
  static int columns() {
    CLibrary.WinSize size = new CLibrary.WinSize();
    boolean known =
        CLibrary.ioctl(STANDARD_ERROR, CLibrary.TIOCGWINSZ, size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : USUAL_COLUMNS;
  }

  private static boolean interactive(PrintStream err, Map<String, String> environment) {
    return err == System.err
        && !environment.getOrDefault("TERM", "dumb").equals("dumb")
        && CLibrary.isatty(STANDARD_ERROR) == 1;
  }

  /** For {@code --quiet}: no progress, but failures are still told. */
  private record Silence(PrintStream err) implements RunListener {
    @Override
    public void message(String line) {
      err.println(line);
    }
  }
}
