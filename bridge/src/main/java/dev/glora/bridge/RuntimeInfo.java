package dev.glora.bridge;

import java.util.Optional;

/**
 * What a runtime runs on.
 *
 * @param backend the backend's name
 * @param backendVersion the version of the library behind it
 * @param pythonVersion the language version, like {@code 3.11.7}
 * @param python the interpreter's executable and libraries; empty where the backend brings its own
 * @param pid the number of the process that Python runs in
 */
public record RuntimeInfo(
    String backend,
    String backendVersion,
    String pythonVersion,
    Optional<PythonInfo> python,
    long pid) {}
