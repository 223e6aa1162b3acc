package dev.glora.bridge.worker;

import dev.glora.bridge.Limits;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.worker.Link.Frame;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The program of a worker; started by {@link WorkerProvider}, and of no use otherwise. */
public final class WorkerMain {

  private static final String INPUT = "/dev/fd/4";
  private static final String OUTPUT = "/dev/fd/3";
  private static final int FAILED = 3;

  private WorkerMain() {}

  /**
   * Opens Python as the first frame tells, then serves until the parent is done or gone.
   *
   * @param args none
   * @throws IOException if this process was not started as a worker
   */
  public static void main(String[] args) throws IOException {
    Link parent = new Link(new FileInputStream(INPUT), new FileOutputStream(OUTPUT));
    WorkerLog.sendTo(parent);
    WorkerServer server = new WorkerServer(parent);
    try {
      Frame first = parent.read();
      Thread opener = new Thread(() -> open(first, server, parent), "python-worker-open");
      opener.setDaemon(true);
      opener.start();
      server.serve();
    } catch (EOFException e) {
      WorkerServer.parentIsGone();
    } catch (IOException | RuntimeException | Error e) {
      WorkerServer.broken(e);
    }
  }

  /** Beside the thread that reads: the parent may end at any time. */
  private static void open(Frame first, WorkerServer server, Link parent) {
    try {
      PythonRuntime python = PythonRuntime.open(config(first));
      server.opened(python);
    } catch (Throwable e) {
      try {
        parent.send(Frame.of(Verb.FAILED, Outcomes.tell(e)));
      } catch (IOException gone) {
        WorkerServer.parentIsGone();
      }
      System.exit(FAILED);
    }
  }

  private static PythonConfig config(Frame open) {
    PythonConfig.Builder builder =
        Optional.ofNullable(open.text(1))
            .map(python -> PythonConfig.builder(Path.of(python)))
            .orElseGet(PythonConfig::builder);
    builder.backend(open.text(0));
    List<?> environment = open.list(2);
    for (int i = 0; i < environment.size(); i += 2) {
      builder.environment((String) environment.get(i), (String) environment.get(i + 1));
    }
    open.list(3).forEach(folder -> builder.modulePath(Path.of((String) folder)));
    if (open.parts().get(4) instanceof Long statements) {
      builder.limits(Limits.NONE.withStatements(statements));
    }
    return builder.build();
  }
}
