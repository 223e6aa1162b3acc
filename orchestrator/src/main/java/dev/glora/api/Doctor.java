package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonProbe;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.SelfTest;
import dev.glora.train.PythonCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import oshi.SystemInfo;

/** Checks everything that a run needs, each check by itself. */
final class Doctor {
  private static final int OLDEST_JAVA = 17;
  private static final long LEAST_SPACE_MIB = 2048;
  private static final long LEAST_MEMORY_MIB = 2048;

  private final Settings settings;
  private final Consumer<String> each;
  private final ArrayNode checks = Json.array();
  private boolean usable = true;

  /**
   * Makes a doctor.
   *
   * @param settings what is checked
   * @param each gets a line for each check when it is done: the last ones may end the process
   */
  Doctor(Settings settings, Consumer<String> each) {
    this.settings = settings;
    this.each = each;
  }

  Answer run() {
    check("java", Doctor::java);
    check("memory", Doctor::memory);
    check("runs folder", () -> folder(settings.runs(), "--runs"));
    check("cache folder", () -> folder(settings.cache(), "GLORA_CACHE"));
    if (check("python", () -> python(settings.python()))) {
      selfTest();
    }
    return new Answer(
        usable ? ExitCode.DONE : ExitCode.ENVIRONMENT,
        Json.object().put("usable", usable).set("checks", checks),
        usable
            ? "Everything that a run needs is there.\n"
            : "A run would fail here: mend what is marked above.\n");
  }

  /** Looks at a copy of VTAB-1k, task by task. */
  Answer vtab(Path folder) {
    JsonNode tasks;
    try (PythonRuntime python = Execution.open(settings, 1)) {
      settings.pythonStarted().run();
      tasks =
          Json.MAPPER
              .valueToTree(
                  PythonCalls.await(
                      python.call(
                          "glora.java",
                          "look_at_vtab",
                          Map.of("folder", folder.toAbsolutePath().toString()))))
              .path("tasks");
    }
    for (JsonNode task : tasks) {
      List<String> said = new ArrayList<>();
      task.path("problems").forEach(problem -> said.add(problem.asText()));
      boolean ok = said.isEmpty();
      task.path("notes").forEach(note -> said.add(note.asText()));
      String found = said.isEmpty() ? "whole" : String.join(" ", said);
      add(new SelfTest.Check(task.path("name").asText(), ok, found));
    }
    return new Answer(
        usable ? ExitCode.DONE : ExitCode.ENVIRONMENT,
        Json.object().put("usable", usable).set("checks", checks),
        usable
            ? "All 19 tasks can be run.\n"
            : "Some tasks cannot be run: mend what is marked above.\n");
  }

  /** The interpreter is only started once it was asked about itself: a start cannot be undone. */
  private void selfTest() {
    PythonConfig.Builder config = PythonConfig.builder(settings.python());
    settings.modules().forEach(config::modulePath);
    check(
        "bridge",
        () -> {
          try (PythonRuntime python = PythonRuntime.open(config.build())) {
            check("packages", () -> packages(python));
            SelfTest.run(python).forEach(this::add);
            return python.info().backend() + " " + python.info().backendVersion();
          }
        });
  }

  private boolean check(String name, Callable<String> work) {
    try {
      return add(new SelfTest.Check(name, true, work.call()));
    } catch (Exception e) {
      add(new SelfTest.Check(name, false, Failure.of(e).sentence()));
      if (e instanceof PythonStartException start) {
        ArrayNode tried = ((ObjectNode) checks.get(checks.size() - 1)).putArray("tried");
        for (String step : start.tried()) {
          tried.add(step);
          each.accept("        tried: " + step);
        }
      }
      return false;
    }
  }

  private boolean add(SelfTest.Check check) {
    usable &= check.ok();
    checks.addObject().put("check", check.name()).put("ok", check.ok()).put("found", check.found());
    each.accept((check.ok() ? "ok    " : "FAIL  ") + check.name() + ": " + check.found());
    return check.ok();
  }

  private static String java() {
    int feature = Runtime.version().feature();
    if (feature < OLDEST_JAVA) {
      throw GloraException.environment(
          "This is Java " + feature + ", expected " + OLDEST_JAVA + " or newer; install one.");
    }
    return Runtime.version() + " in " + System.getProperty("java.home");
  }

  private static String memory() {
    var memory = new SystemInfo().getHardware().getMemory();
    long available = memory.getAvailable() >> 20;
    if (available < LEAST_MEMORY_MIB) {
      throw GloraException.environment(
          available
              + " MiB of memory are free, expected "
              + LEAST_MEMORY_MIB
              + "; end other programs or lower training.batch_size.");
    }
    return available + " of " + (memory.getTotal() >> 20) + " MiB free";
  }

  private static String folder(Path folder, String setting) throws IOException {
    Path existing = folder.toAbsolutePath();
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!Files.isDirectory(existing) || !Files.isWritable(existing)) {
      throw GloraException.environment(
          existing
              + " cannot be written; make it writable or name another folder by "
              + setting
              + ".");
    }
    long free = Files.getFileStore(existing).getUsableSpace() >> 20;
    if (free < LEAST_SPACE_MIB) {
      throw GloraException.environment(
          free + " MiB are free at " + existing + ", expected " + LEAST_SPACE_MIB + "; free some.");
    }
    return folder + ", " + free + " MiB free";
  }

  private static String python(Path executable) {
    PythonInfo info = PythonProbe.ask(executable);
    if (info.torchVersion().isEmpty()) {
      throw GloraException.environment(
          executable + " has no torch; install what python-runtime/requirements.lock lists.");
    }
    return "%s at %s, library %s, jep %s in %s, NumPy %s, torch %s"
        .formatted(
            info.version(),
            info.executable(),
            info.libpython(),
            info.jepVersion(),
            info.jepDirectory(),
            info.numpyVersion().orElse("missing"),
            info.torchVersion().orElse("missing"));
  }

  private static String packages(PythonRuntime python) {
    JsonNode found = Json.MAPPER.valueToTree(python.call("glora.java", "environment").join());
    StringBuilder out = new StringBuilder();
    for (String name : new String[] {"torch", "transformers", "peft", "numpy", "threads"}) {
      out.append(out.length() == 0 ? "" : ", ")
          .append(name)
          .append(' ')
          .append(found.path(name).asText());
    }
    return out.toString();
  }
}
