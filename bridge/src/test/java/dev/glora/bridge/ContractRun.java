package dev.glora.bridge;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs the test classes that are its arguments, for tests that need another JVM for them. */
public final class ContractRun {

  private ContractRun() {}

  /**
   * Prints {@code N run, N failed, N skipped on Java V} as its last line; the exit status is 1 if
   * any failed or none ran.
   */
  public static void main(String[] classes) throws ClassNotFoundException {
    LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request();
    for (String name : classes) {
      request.selectors(selectClass(Class.forName(name)));
    }
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherDiscoveryRequest built = request.build();
    LauncherFactory.create().execute(built, listener);
    TestExecutionSummary summary = listener.getSummary();
    summary.printFailuresTo(
        new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), true), 20);
    long failed = summary.getTotalFailureCount();
    System.out.printf(
        "%d run, %d failed, %d skipped on Java %d: %s%n",
        summary.getTestsStartedCount(),
        failed,
        summary.getTestsSkippedCount() + summary.getTestsAbortedCount(),
        Runtime.version().feature(),
        String.join(
            " ", Stream.of(classes).map(c -> c.substring(c.lastIndexOf('.') + 1)).toList()));
    // CPython's threads would keep the process.
    System.exit(failed > 0 || summary.getTestsStartedCount() == 0 ? 1 : 0);
  }
}
