/**
 * What the bridge costs, beside what a user would pick instead; run by {@link
 * dev.glora.bridge.benchmarks.Benchmarks}.
 */
package dev.glora.bridge.benchmarks;
