package dev.glora.bridge.jep;

import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.spi.Arguments;
import java.util.List;
import jep.JepException;
import jep.python.PyCallable;

/** A Python function behind its two entries: one for scalars, one for encoded arguments. */
final class JepFunction implements PythonFunction {

  private final JepPython python;
  private final String label;
  private final PyCallable plain;
  private final PyCallable coded;

  JepFunction(JepPython python, String label, PyCallable plain, PyCallable coded) {
    this.python = python;
    this.label = label;
    this.plain = plain;
    this.coded = coded;
  }

  @Override
  public Object call(Object... args) {
    python.requireOwner(label);
    try {
      Object result =
          Arguments.crossAsTheyAre(args)
              ? plain.call(args)
              : coded.call(python.encode(args, label));
      // Scalars are themselves, without a way through the decoder.
      return result instanceof List<?> ? python.decode(result) : result;
    } catch (JepException e) {
      throw JepFailures.escaped(e);
    }
  }

  @Override
  public String toString() {
    return "Python function " + label;
  }
}
