/**
 * Runs: the stages of a method from the download to the report, each recorded when it is done, so
 * that a run goes on wherever it was stopped.
 *
 * <p>May use everything but {@code dev.glora.cli}. This is the only package that opens the test
 * split.
 */
package dev.glora.run;
