package dev.glora.cli;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.experiment.Experiment;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.PlannedRun;
import dev.glora.experiment.Planner;
import dev.glora.store.RunRow;
import dev.glora.store.RunStore;
import java.nio.file.Path;
import java.util.List;

/** The verbs that do work. */
final class RunVerbs {
  private RunVerbs() {}

  static ExitCode run(Call call) {
    List<String> arguments = call.arguments();
    Experiment experiment =
        ExperimentReader.read(Path.of(arguments.get(0)), arguments.subList(1, arguments.size()));
    Planner planner = new Planner(CodeVersion.digest(call.settings().modules()));
    List<PlannedRun> plan = planner.plan(experiment);
    try (RunStore store = RunStore.open(call.settings().runs())) {
      return new Execution(call, store).run(plan, "the same command");
    }
  }

  static ExitCode resume(Call call) {
    Planner planner = new Planner(CodeVersion.digest(call.settings().modules()));
    try (RunStore store =
        RunStore.openExisting(call.settings().runs())
            .orElseThrow(() -> QueryVerbs.noRuns(call.settings().runs()))) {
      RunRow row = QueryVerbs.one(store, call.arguments().get(0));
      PlannedRun run = planner.replan(row.resolved());
      if (!run.id().equals(row.id())) {
        throw GloraException.failed(
            "The run "
                + row.id()
                + " was begun by other code of glora, with which its numbers would not go together;"
                + " give its experiment to glora run, which begins a new run.");
      }
      return new Execution(call, store).run(List.of(run), "glora resume " + row.id());
    }
  }
}
