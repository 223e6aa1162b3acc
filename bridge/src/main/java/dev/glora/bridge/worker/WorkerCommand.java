package dev.glora.bridge.worker;

import com.fasterxml.jackson.core.JsonFactory;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.WorkerOptions;
import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.LoggerFactory;

/** The command that starts a worker. */
final class WorkerCommand {

  /**
   * Moves the frames from standard output and input, where any native code may write and read, to 3
   * and 4. Signals of the terminal are the parent's to heed: the worker ends when that does. A
   * crash is expected here, and leaves no image of its memory.
   */
  private static final String SHELL =
      "trap '' INT HUP; ulimit -S -c 0; exec 3>&1 4<&0 1>&2 0</dev/null; exec \"$@\"";

  private WorkerCommand() {}

  static List<String> of(PythonConfig config) {
    WorkerOptions options = config.worker();
    Path java = options.java();
    if (!Files.isRegularFile(java) || !Files.isExecutable(java)) {
      throw new PythonStartException(
          "There is no Java at %s: name the executable of a JDK or JRE of 17 or later."
              .formatted(java),
          List.of());
    }
    List<String> command = new ArrayList<>();
    command.addAll(List.of("/bin/sh", "-c", SHELL, "glora-worker", java.toString()));
    // The heap is small: no threads of a collector beside Python's own work.
    command.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:-UsePerfData"));
    // The report of a crash is no file in the folder of whoever works.
    command.add(
        "-XX:ErrorFile=" + Path.of(System.getProperty("java.io.tmpdir"), "glora-worker-%p.log"));
    command.add("-Dslf4j.provider=" + WorkerLog.class.getName());
    command.add("-Dslf4j.internal.verbosity=WARN");
    config
        .limits()
        .heapMiB()
        .ifPresent(
            mib -> command.addAll(List.of("-Xmx" + mib + "m", "-XX:+ExitOnOutOfMemoryError")));
    command.addAll(options.jvmOptions());
    command.addAll(List.of("-cp", classPath(), WorkerMain.class.getName()));
    return command;
  }

  /** This process's class path, and what the bridge needs where that does not name it. */
  private static String classPath() {
    Set<String> entries = new LinkedHashSet<>();
    for (String property : List.of("java.class.path", "jdk.module.path")) {
      String path = System.getProperty(property, "");
      if (!path.isEmpty()) {
        entries.addAll(Arrays.asList(path.split(File.pathSeparator)));
      }
    }
    for (Class<?> needed : List.of(WorkerMain.class, JsonFactory.class, LoggerFactory.class)) {
      CodeSource source = needed.getProtectionDomain().getCodeSource();
      try {
        if (source != null && source.getLocation().getProtocol().equals("file")) {
          entries.add(Path.of(source.getLocation().toURI()).toString());
        }
      } catch (URISyntaxException e) {
        throw new IllegalStateException(e);
      }
    }
    return String.join(File.pathSeparator, entries);
  }
}
