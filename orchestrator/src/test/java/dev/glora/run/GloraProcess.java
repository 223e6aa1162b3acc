package dev.glora.run;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The command {@code glora} as a process of its own, leader of its own process group, as a shell
 * starts it; with the file of its events.
 */
final class GloraProcess implements AutoCloseable {
  /** Exit status after SIGKILL. */
  static final int KILLED = 137;

  private static final long LONGEST_MINUTES = 5;

  /**
   * Becomes the command, as the leader of a new group. Ctrl-C is heard again even where the tests
   * were started in the background of a script, which ignores it.
   */
  private static final String LEADER =
      """
      import os, signal, sys
      signal.signal(signal.SIGINT, signal.SIG_DFL)
      os.setpgid(0, 0)
      os.execv(sys.argv[1], sys.argv[1:])
      """;

  /** One line of the events: {@code EPOCH_MILLISECONDS RUN STAGE DONE/TOTAL}. */
  record Event(String run, String stage, long done) {
    private static final Pattern LINE = Pattern.compile("\\d+ (\\S+) (\\S+) (\\d+)/\\d+");

    private static Event of(String line) {
      Matcher words = LINE.matcher(line);
      if (!words.matches()) {
        throw new IllegalStateException("This is no event: " + line);
      }
      return new Event(words.group(1), words.group(2), Long.parseLong(words.group(3)));
    }

    boolean ofStore() {
      return stage.startsWith("store:");
    }

    /** Whether the transaction is open: its statements are done, its commit has not returned. */
    boolean committing() {
      return ofStore() && done == 0;
    }
  }

  private final Process process;
  private final Path events;
  private final Path output;
  private final Process shell;
  private final BufferedWriter toShell;
  private final BufferedReader fromShell;
  private final List<Event> seen = new ArrayList<>();
  private final StringBuilder line = new StringBuilder();
  private BufferedReader reader;

  private GloraProcess(Process process, Path events, Path output) throws IOException {
    this.process = process;
    this.events = events;
    this.output = output;
    // A shell that waits: starting a program for each signal would take longer than a stage does.
    this.shell =
        new ProcessBuilder(
                "sh",
                "-c",
                "while read -r signal target; do"
                    + " kill \"-$signal\" \"$target\" 2>/dev/null; echo $?; done")
            .start();
    this.toShell = shell.outputWriter(StandardCharsets.UTF_8);
    this.fromShell = shell.inputReader(StandardCharsets.UTF_8);
  }

  /**
   * Starts the command.
   *
   * @param folder where its output and events go, and its working folder
   * @param number tells its files from those of others
   * @param environment variables beside those of this process
   * @param arguments of the command
   * @return the process, to be closed by the caller
   */
  static GloraProcess start(
      Path folder, int number, Map<String, String> environment, String... arguments)
      throws IOException {
    Path events = folder.resolve("events-" + number);
    Path output = folder.resolve("output-" + number);
    List<String> command = new ArrayList<>();
    command.addAll(List.of(Tiny.EXECUTABLE.toString(), "-I", "-S", "-c", LEADER));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("temporary")));
    command.addAll(List.of("-Dglora.root=" + Tiny.ROOT, "-cp", classPath()));
    command.add("dev.glora.cli.Main");
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().keySet().removeIf(GloraProcess::misleading);
    builder.environment().putAll(environment);
    builder.environment().put("GLORA_EVENTS", events.toString());
    return new GloraProcess(builder.start(), events, output);
  }

  private static boolean misleading(String variable) {
    String name = variable.toLowerCase(Locale.ROOT);
    return name.startsWith("pip_") || name.startsWith("glora_") || name.endsWith("_proxy");
  }

  /** What the command has on its class path; the tests' own settings of the log are not there. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> !entry.endsWith("test-classes"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** The command's process. */
  ProcessHandle handle() {
    return process.toHandle();
  }

  boolean alive() {
    return process.isAlive();
  }

  /** Every whole line of the events so far, in order. */
  List<Event> events() throws IOException {
    if (reader == null && Files.exists(events)) {
      reader = Files.newBufferedReader(events);
    }
    for (int c = reader == null ? -1 : reader.read(); c >= 0; c = reader.read()) {
      if (c == '\n') {
        seen.add(Event.of(line.toString()));
        line.setLength(0);
      } else {
        line.append((char) c);
      }
    }
    return Collections.unmodifiableList(seen);
  }

  /** What was printed so far, on both streams. */
  String output() throws IOException {
    return Files.readString(output);
  }

  /** Sends a signal to all processes of the group. */
  void signalGroup(String signal) throws IOException {
    signal(signal, "-" + process.pid());
  }

  /** Sends a signal to the command alone. */
  void signal(String signal) throws IOException {
    signal(signal, String.valueOf(process.pid()));
  }

  /** Repeats what did not arrive: in its first moments the command leads no group yet. */
  private void signal(String signal, String target) throws IOException {
    do {
      toShell.write(signal + " " + target + "\n");
      toShell.flush();
    } while (!"0".equals(fromShell.readLine()) && process.isAlive());
  }

  /**
   * Waits for the end.
   *
   * @return the exit status
   */
  int await() throws IOException, InterruptedException {
    if (!process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES)) {
      throw new IllegalStateException("The command has not ended:\n" + output());
    }
    return process.exitValue();
  }

  /** Ends what is left of the group, and the helper. */
  @Override
  public void close() throws IOException {
    if (process.isAlive()) {
      signalGroup("KILL");
    }
    toShell.close();
    fromShell.close();
    if (reader != null) {
      reader.close();
    }
  }
}
