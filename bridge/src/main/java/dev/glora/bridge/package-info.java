/**
 * Calls Python from Java, with tensors that both sides see at the same addresses.
 *
 * <p>{@link dev.glora.bridge.PythonRuntime#open} starts an interpreter from one setting, the path
 * of a Python executable. Functions are called by module and name; plain values cross by copy,
 * {@link dev.glora.bridge.Tensor tensors} by address. All Python code runs on one owner thread: a
 * caller gets a {@link java.util.concurrent.CompletableFuture}, or hands over a whole loop as a
 * {@link dev.glora.bridge.PythonTask}.
 *
 * <pre>{@code
 * try (PythonRuntime python = PythonRuntime.open(PythonConfig.of(Path.of(".venv/bin/python")));
 *     TensorScope scope = python.scope("example")) {
 *   Tensor x = scope.allocate("x", DType.F32, 2, 3);
 *   x.floats().put(0, 1.5f);
 *   // example.py holds: def total(x): return x.sum().item()
 *   double sum = (Double) python.call("example", "total", x).join();
 * }
 * }</pre>
 *
 * <p>This package may use the JDK, Jackson (to read what an executable answers about itself) and
 * SLF4J. It knows nothing of the rest of {@code dev.glora}. Backends live in packages of their own
 * below this one and are found by {@link java.util.ServiceLoader}.
 */
package dev.glora.bridge;
