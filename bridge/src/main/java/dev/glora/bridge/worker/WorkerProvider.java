package dev.glora.bridge.worker;

import dev.glora.bridge.Capability;
import dev.glora.bridge.MissingCapabilityException;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonRuntimeProvider;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.RuntimeInfo;
import dev.glora.bridge.WorkerDiedException;
import dev.glora.bridge.spi.OwnerThread;
import dev.glora.bridge.worker.Link.Frame;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Starts a worker for each runtime. */
public final class WorkerProvider implements PythonRuntimeProvider {

  /** Creates the provider; {@link java.util.ServiceLoader} does this. */
  public WorkerProvider() {}

  /** Returns {@code worker}. */
  @Override
  public String name() {
    return "worker";
  }

  /** {@inheritDoc} */
  @Override
  public PythonRuntime open(PythonConfig config) {
    WorkerProcess process = new WorkerProcess(WorkerCommand.of(config), config.worker().silence());
    try {
      Frame[] opened = new Frame[1];
      OwnerThread owner =
          OwnerThread.start(
              "python-worker-" + process.pid(),
              handedOver -> {
                opened[0] = open(process, config);
                return new WorkerEngine(process, config.worker().killAfter(), handedOver);
              });
      process.onDeath(owner::fail);
      Frame answer = opened[0];
      RuntimeInfo info =
          new RuntimeInfo(
              name(),
              answer.text(0),
              answer.text(1),
              Descriptions.python(answer.list(3)),
              process.pid());
      return new WorkerRuntime(info, capabilities(answer.list(2)), config.limits(), owner);
    } catch (RuntimeException | Error e) {
      process.abandon();
      throw reported(config, e);
    }
  }

  /** Sends the configuration and waits until Python runs. */
  private static Frame open(WorkerProcess process, PythonConfig config) {
    List<String> environment = new ArrayList<>();
    for (Map.Entry<String, String> variable : config.environment().entrySet()) {
      environment.add(variable.getKey());
      environment.add(variable.getValue());
    }
    process.send(
        Frame.of(
            Verb.OPEN,
            config.worker().backend(),
            config.python().map(Path::toString).orElse(null),
            environment,
            config.modulePath().stream().map(Path::toString).toList(),
            config.limits().statements().isPresent()
                ? config.limits().statements().getAsLong()
                : null));
    Frame answer = process.answer();
    if (answer.verb() == Verb.FAILED) {
      throw Outcomes.read(answer.list(0), number -> null);
    }
    return answer;
  }

  private static Set<Capability> capabilities(List<?> names) {
    Set<Capability> capabilities =
        EnumSet.of(Capability.ISOLATION, Capability.KILL, Capability.HEAP_LIMIT);
    for (Object name : names) {
      capabilities.add(Capability.valueOf((String) name));
    }
    capabilities.remove(Capability.IN_PROCESS);
    return capabilities;
  }

  /** Says what a start failed of in the words of the worker, where it had any. */
  private static RuntimeException reported(PythonConfig config, Throwable e) {
    Throwable cause = e instanceof IllegalStateException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof PythonStartException || cause instanceof MissingCapabilityException) {
      return (RuntimeException) cause;
    }
    List<String> lines = List.of();
    String found = String.valueOf(cause.getMessage());
    if (cause instanceof WorkerDiedException died) {
      lines = died.lastLines();
      found = "its process ended with status " + died.exitStatus() + " and wrote: " + lines;
    }
    return new PythonStartException(
        "A worker with the backend \"%s\" did not start by %s: %s."
            .formatted(config.worker().backend(), config.worker().java(), found),
        lines,
        cause);
  }
}
