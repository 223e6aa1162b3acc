package dev.glora.run;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.nio.file.Path;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Writes everything that is logged during a run into the run's {@code run.log} as well, but for
 * what the threads of other runs log.
 */
final class RunLog {
  private static final String RUN = "run";

  private final ch.qos.logback.classic.Logger root;
  private final FileAppender<ILoggingEvent> appender;

  private RunLog(ch.qos.logback.classic.Logger root, FileAppender<ILoggingEvent> appender) {
    this.root = root;
    this.appender = appender;
  }

  /**
   * Starts to write; the calling thread's lines are the run's from now on.
   *
   * @param file the log; lines are added to what it holds
   * @param run the run's id
   * @return the log, to be closed by the caller
   */
  static RunLog open(Path file, String run) {
    ILoggerFactory factory = LoggerFactory.getILoggerFactory();
    if (!(factory instanceof LoggerContext context)) {
      // Another logging backend on the class path of a program that embeds this: it has its own.
      return new RunLog(null, null);
    }
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %logger{24} %msg%n");
    encoder.start();
    FileAppender<ILoggingEvent> appender = new FileAppender<>();
    appender.setContext(context);
    appender.setName(file.toString());
    appender.setFile(file.toString());
    appender.setAppend(true);
    appender.setEncoder(encoder);
    appender.addFilter(new Of(run));
    appender.start();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    belongs(run);
    return new RunLog(root, appender);
  }

  /** Says that what the calling thread logs belongs to a run. */
  static void belongs(String run) {
    MDC.put(RUN, run);
  }

  /** What no run's thread has logged may belong to each: a worker's output, the bridge's. */
  private static final class Of extends Filter<ILoggingEvent> {
    private final String run;

    private Of(String run) {
      this.run = run;
    }

    @Override
    public FilterReply decide(ILoggingEvent event) {
      String of = event.getMDCPropertyMap().getOrDefault(RUN, run);
      return of.equals(run) ? FilterReply.NEUTRAL : FilterReply.DENY;
    }
  }

  void close() {
    MDC.remove(RUN);
    if (root != null) {
      root.detachAppender(appender);
      appender.stop();
    }
  }
}
