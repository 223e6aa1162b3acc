/**
 * Python in a process of its own: the backend {@code worker}, which keeps a crash of native code
 * away from the caller, limits the heap and kills what does not heed a time limit.
 *
 * <p>The process is a JVM that runs {@link dev.glora.bridge.worker.WorkerMain} and in it another
 * backend. The two sides talk in frames of JSON over pipes ({@link dev.glora.bridge.worker.Link}).
 * One job here is one job there, and while it runs the caller's owner thread and Python take turns:
 * one of them works, the other waits for its answer. Only interruptions and the end of either
 * process come in between.
 */
package dev.glora.bridge.worker;
