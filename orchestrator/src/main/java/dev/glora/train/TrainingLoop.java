package dev.glora.train;

import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.PythonSession;
import dev.glora.data.BatchFiller;
import dev.glora.data.BatchOrder;
import dev.glora.data.Derived;
import dev.glora.data.Split;
import dev.glora.experiment.TrainingSpec;
import dev.glora.search.SupportTensor;

/**
 * Trains a model: the supernet with a structure drawn at every step, a final with a fixed one, or a
 * method without structures.
 *
 * <p>The steps between two checkpoints run as one task on Python's own thread. Everything that a
 * step needs is derived from its index, so the loop can stop after any step and go on elsewhere.
 */
public final class TrainingLoop {
  private final ModelSession model;
  private final TrainingSpec spec;
  private final long seed;
  private final StepStructure structure;
  private final Checkpoint checkpoint;
  private final Watch watch;

  private final BatchOrder order;
  private final BatchFiller filler;
  private final int[] rows;
  private final byte[] codes;
  private final double[] losses;

  /**
   * Makes a loop.
   *
   * @param model an opened model with the weights to start from
   * @param train rows to train on
   * @param spec its settings
   * @param seed root seed of the run
   * @param structure which structure each step trains
   * @param checkpoint where its state is kept
   * @param watch told and asked after every step
   */
  public TrainingLoop(
      ModelSession model,
      Split train,
      TrainingSpec spec,
      long seed,
      StepStructure structure,
      Checkpoint checkpoint,
      Watch watch) {
    this.model = model;
    this.spec = spec;
    this.seed = seed;
    this.structure = structure;
    this.checkpoint = checkpoint;
    this.watch = watch;
    this.order = new BatchOrder(seed, train.rows(), spec.batchSize());
    this.filler = model.filler(train);
    this.rows = new int[spec.batchSize()];
    this.codes = new byte[model.sites().size() * SupportTensor.COUNT];
    this.losses = new double[spec.steps()];
  }

  /**
   * Trains from the last checkpoint to the last step.
   *
   * @return the loss of every step, those before the checkpoint included
   * @throws dev.glora.GloraException if the training diverged (the checkpoint before it is kept) or
   *     was cancelled (everything done is saved)
   */
  public double[] run() {
    int done = checkpoint.restore(model, losses);
    int saved = done;
    if (done > 0) {
      watch.advance(done, "from the checkpoint");
    }
    while (done < spec.steps()) {
      int from = done;
      int end =
          Math.min(spec.steps(), (from / spec.checkpointEvery() + 1) * spec.checkpointEvery());
      done = model.run(python -> train(python, from, end));
      if (done > saved) {
        checkpoint.save(model, done, losses);
        saved = done;
        watch.saved();
      }
      if (done < end) {
        throw watch.cancellation();
      }
    }
    if (saved == 0) {
      // No steps were asked for: the weights as they are.
      checkpoint.save(model, 0, losses);
    }
    return losses.clone();
  }

  private int train(PythonSession python, int from, int end) {
    PythonFunction step = python.function(ModelSession.MODULE, "step");
    for (int i = from; i < end; i++) {
      if (watch.cancelled()) {
        return i;
      }
      structure.draw(i, codes);
      model.codes(codes);
      int n = order.rows(i, rows);
      int length = filler.fill(rows, n);
      model.control(n, length, i, Derived.seed(seed, "dropout", i));
      model.rates(LearningRate.at(i, spec), spec.weightDecay(), spec.clipNorm());
      step.call(model.id());
      losses[i] = model.loss();
      watch.advance(i + 1, PythonCalls.note(losses[i]));
    }
    return end;
  }
}
