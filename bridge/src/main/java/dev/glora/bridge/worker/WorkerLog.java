package dev.glora.bridge.worker;

import dev.glora.bridge.worker.Link.Frame;
import java.io.IOException;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Logger;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * Sends what is logged in a worker, such as Python's output, to the same loggers of its parent.
 *
 * <p>Chosen by the system property {@code slf4j.provider}, in workers only.
 */
public final class WorkerLog implements SLF4JServiceProvider {

  /** The link to the parent; null before it is there. */
  private static volatile Link parent;

  private final IMarkerFactory markers = new BasicMarkerFactory();
  private final MDCAdapter context = new NOPMDCAdapter();

  /** Creates the provider; SLF4J does this. */
  public WorkerLog() {}

  static void sendTo(Link link) {
    parent = link;
  }

  @Override
  public ILoggerFactory getLoggerFactory() {
    return Remote::new;
  }

  @Override
  public IMarkerFactory getMarkerFactory() {
    return markers;
  }

  @Override
  public MDCAdapter getMDCAdapter() {
    return context;
  }

  @Override
  public String getRequestedApiVersion() {
    return "2.0.99";
  }

  @Override
  public void initialize() {
    // Nothing to prepare.
  }

  private static final class Remote extends LegacyAbstractLogger {

    private static final long serialVersionUID = 1L;

    Remote(String name) {
      this.name = name;
    }

    @Override
    protected String getFullyQualifiedCallerName() {
      return Logger.class.getName();
    }

    @Override
    protected void handleNormalizedLoggingCall(
        Level level, Marker marker, String pattern, Object[] arguments, Throwable throwable) {
      String text = MessageFormatter.basicArrayFormat(pattern, arguments);
      if (throwable != null) {
        text += " (" + throwable + ")";
      }
      try {
        parent.send(Frame.of(Verb.LOG, name, level.name(), Link.printable(text)));
      } catch (IOException e) {
        // The parent is gone, and whoever reads from it ends this process.
      }
    }

    @Override
    public boolean isTraceEnabled() {
      return false;
    }

    @Override
    public boolean isDebugEnabled() {
      return false;
    }

    @Override
    public boolean isInfoEnabled() {
      return parent != null;
    }

    @Override
    public boolean isWarnEnabled() {
      return parent != null;
    }

    @Override
    public boolean isErrorEnabled() {
      return parent != null;
    }
  }
}
