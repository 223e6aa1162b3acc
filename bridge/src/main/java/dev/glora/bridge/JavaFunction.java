package dev.glora.bridge;

import java.util.List;

/**
 * A Java function that Python code can call, handed over as an argument like any other value.
 *
 * <p>It runs on the interpreter's own thread, inside the Python call that called it, so it may use
 * the {@link PythonSession} of its task, and {@link PythonRuntime#call} runs at once. Python code
 * may keep it and call it later, but only on that thread: on a thread of Python's own it is refused
 * with a {@code RuntimeError}, for it could only wait there for the thread that waits for it.
 *
 * <p>What it throws is raised in Python as a {@code JavaError} with the same message, and if Python
 * code lets that go on to Java, the {@link PythonException} has the original as its cause.
 */
@FunctionalInterface
public interface JavaFunction {

  /**
   * Does the work.
   *
   * @param args the positional arguments, as results of {@link PythonFunction#call} arrive
   * @return the result, whatever {@link PythonFunction#call} takes as an argument
   * @throws Exception anything
   */
  Object call(List<Object> args) throws Exception;
}
