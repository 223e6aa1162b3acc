package dev.glora.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the command line logs: warnings and errors into {@code <runs>/glora.log}, everything on
 * standard error with {@code --verbose}; what happens within a run is in the run's own log too.
 */
final class Logs {
  private static final String PATTERN =
      "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %logger{24} %msg%n";

  private Logs() {}

  static Path file(Path runs) {
    return runs.resolve("glora.log");
  }

  static void start(Path runs, boolean verbose, PrintStream err) {
    if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
      return;
    }
    // Logback's own default would print everything on standard output, where the answers go.
    context.reset();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.INFO);
    // Each migration step of Flyway and each loaded schema is news to nobody.
    context.getLogger("org.flywaydb").setLevel(Level.WARN);
    context.getLogger("com.networknt").setLevel(Level.ERROR);
    if (verbose) {
      OutputStreamAppender<ILoggingEvent> stream = new OutputStreamAppender<>();
      stream.setContext(context);
      stream.setEncoder(encoder(context));
      stream.setOutputStream(err);
      stream.start();
      root.addAppender(stream);
    }
    LazyFile file = new LazyFile(file(runs));
    file.setContext(context);
    file.start();
    root.addAppender(file);
  }

  private static PatternLayoutEncoder encoder(ch.qos.logback.core.Context context) {
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern(PATTERN);
    encoder.start();
    return encoder;
  }

  /** Makes the log with its first line: a question about runs leaves no folder behind. */
  private static final class LazyFile extends AppenderBase<ILoggingEvent> {
    private final Path path;
    private FileAppender<ILoggingEvent> file;

    LazyFile(Path path) {
      this.path = path;
    }

    @Override
    protected void append(ILoggingEvent event) {
      if (!event.getLevel().isGreaterOrEqual(Level.WARN)) {
        return;
      }
      if (file == null) {
        try {
          Files.createDirectories(path.toAbsolutePath().getParent());
          if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(
                path,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
          }
        } catch (FileAlreadyExistsException e) {
          addInfo("The log is continued");
        } catch (IOException e) {
          addError("The log " + path + " cannot be made", e);
        }
        file = new FileAppender<>();
        file.setContext(getContext());
        file.setFile(path.toString());
        file.setEncoder(encoder(getContext()));
        file.start();
      }
      file.doAppend(event);
    }

    @Override
    public void stop() {
      if (file != null) {
        file.stop();
      }
      super.stop();
    }
  }
}
