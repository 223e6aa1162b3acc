package dev.glora.bridge.jep;

import dev.glora.bridge.PythonFunction;
import java.util.function.LongConsumer;
import jep.JepException;
import jep.python.PyCallable;

/** A Python function behind its two entries: one for scalars, one for encoded arguments. */
final class JepFunction implements PythonFunction {

  private final JepPython python;
  private final String label;
  private final PyCallable plain;
  private final PyCallable coded;
  private final LongConsumer handedOver;

  JepFunction(
      JepPython python, String label, PyCallable plain, PyCallable coded, LongConsumer handedOver) {
    this.python = python;
    this.label = label;
    this.plain = plain;
    this.coded = coded;
    this.handedOver = handedOver;
  }

  @Override
  public Object call(Object... args) {
    python.requireOwner(label);
    try {
      Object result =
          Values.crossAsTheyAre(args)
              ? plain.call(args)
              : coded.call(Values.encode(args, label, handedOver));
      return Values.decode(result);
    } catch (JepException e) {
      throw Failures.escaped(e);
    }
  }

  @Override
  public String toString() {
    return "Python function " + label;
  }
}
