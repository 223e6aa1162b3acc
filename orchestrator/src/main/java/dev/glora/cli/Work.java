package dev.glora.cli;

import dev.glora.api.Answer;
import dev.glora.api.Glora;
import dev.glora.run.CancelToken;
import java.util.function.Function;

/** Long work: shows progress and ends at the first signal with its state saved. */
final class Work {
  private final Call call;
  private final CancelToken cancel = new CancelToken();

  private Work(Call call) {
    this.call = call;
  }

  static Answer of(Call call, Function<Glora, Answer> work) {
    return new Work(call).run(work);
  }

  private Answer run(Function<Glora, Answer> work) {
    Signals.handle(this::signal);
    return work.apply(
        RunnerFlags.set(call.options(), call.builder())
            .listener(Terminal.progress(call, System.getenv()))
            .cancel(cancel)
            .pythonStarted(() -> Signals.handle(this::signal))
            .build());
  }

  /** The first signal asks the loops to save and stop; nobody has to wait for that twice. */
  private void signal(int exitCode) {
    if (cancel.cancelled()) {
      Runtime.getRuntime().halt(exitCode);
    }
    cancel.cancel(exitCode);
    call.err().println();
    call.err().println("Saving after this step; a second signal ends glora at once.");
  }
}
