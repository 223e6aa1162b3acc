package dev.glora.bridge.graalpy;

import dev.glora.bridge.PythonFunction;
import dev.glora.bridge.spi.Arguments;
import org.graalvm.polyglot.Value;

/** A Python function behind its two entries; looked up anew in a fresh context. */
final class GraalpyFunction implements PythonFunction {

  private final GraalpyPython python;
  private final String module;
  private final String name;
  private Guest resolvedIn;
  private Value plain;
  private Value coded;

  GraalpyFunction(GraalpyPython python, String module, String name) {
    this.python = python;
    this.module = module;
    this.name = name;
  }

  /** Looks the function up, and throws what that raises. */
  void resolve(Guest guest) {
    if (resolvedIn == guest) {
      return;
    }
    Value found = python.run(guest, () -> guest.function("resolve").execute(module, name));
    if (!found.canExecute()) {
      python.decode(found); // A failure, which this throws.
    }
    plain = found;
    coded = found.getMember("coded");
    resolvedIn = guest;
  }

  @Override
  public Object call(Object... args) {
    python.requireOwner(label());
    Guest guest = python.guest();
    resolve(guest);
    boolean scalars = Arguments.crossAsTheyAre(args);
    Object[] crossing = guest.toPython(scalars ? args : python.encode(args, label()));
    return python.decode(python.run(guest, () -> (scalars ? plain : coded).execute(crossing)));
  }

  private String label() {
    return module + "." + name;
  }

  @Override
  public String toString() {
    return "Python function " + label();
  }
}
