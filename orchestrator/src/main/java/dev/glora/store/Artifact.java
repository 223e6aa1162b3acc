package dev.glora.store;

/**
 * A file that a run gave.
 *
 * @param run the run
 * @param path where it lies in the run's folder
 * @param digest SHA-256 of its contents in hexadecimal
 * @param size its bytes
 */
public record Artifact(String run, String path, String digest, long size) {}
