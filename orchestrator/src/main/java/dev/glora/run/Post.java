package dev.glora.run;

import dev.glora.bridge.PythonRuntime;

/**
 * Where an attempt at a run takes place.
 *
 * @param worker the worker
 * @param python its interpreter
 * @param lease the lease of the run
 * @param microBatch rows of a micro-batch, 0 for whole batches
 * @param premises what it shares with other runs
 */
record Post(
    Worker worker, PythonRuntime python, HeldLease lease, int microBatch, Premises premises) {}
