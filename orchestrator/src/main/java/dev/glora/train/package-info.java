/**
 * The loops: train, score, evaluate. Java owns the loop and the memory; Python is called once per
 * step and owns autograd.
 *
 * <p>A step is a function of the weights, the optimiser's state and the step's index, so a loop
 * that goes on from a checkpoint ends with the same bits as one that was never stopped.
 *
 * <p>May use {@code dev.glora}, {@code experiment}, {@code data}, {@code search}, {@code files} and
 * the bridge. It sees the splits it is given and cannot name {@link dev.glora.data.SealedTest}.
 */
package dev.glora.train;
