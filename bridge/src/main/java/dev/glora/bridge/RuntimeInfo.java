package dev.glora.bridge;

/**
 * What a runtime runs on.
 *
 * @param backend the backend's name
 * @param backendVersion the version of the library behind it
 * @param python the interpreter
 */
public record RuntimeInfo(String backend, String backendVersion, PythonInfo python) {}
