package dev.glora.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * Hears Ctrl-C and TERM.
 *
 * <p>A shutdown hook would not do: it is not told which signal came, and the process ends when it
 * returns. {@code sun.misc.Signal} is the one interface that JDKs 17 to 25 have for it, in the
 * module {@code jdk.unsupported}; it is called by reflection, since javac warns of every other use.
 */
final class Signals {
  private static final Map<String, Integer> EXIT_CODES = Map.of("INT", 130, "TERM", 143);

  private Signals() {}

  /**
   * Takes the two signals over. To be called again after Python has started, which may take Ctrl-C
   * for itself.
   *
   * @param action gets the exit code that the signal stands for, on a thread of the JVM's
   */
  static void handle(IntConsumer action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      for (Map.Entry<String, Integer> entry : EXIT_CODES.entrySet()) {
        Object proxy =
            Proxy.newProxyInstance(
                Signals.class.getClassLoader(),
                new Class<?>[] {handler},
                (self, method, arguments) -> {
                  if (method.getName().equals("handle")) {
                    action.accept(entry.getValue());
                    return null;
                  }
                  return switch (method.getName()) {
                    case "hashCode" -> System.identityHashCode(self);
                    case "equals" -> self == arguments[0];
                    default -> "glora's handler";
                  };
                });
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(entry.getKey()), proxy);
      }
    } catch (InvocationTargetException e) {
      if (!(e.getCause() instanceof IllegalArgumentException)) {
        throw new IllegalStateException("Signals cannot be heard on this JVM", e);
      }
      // The JVM keeps the signal for itself (-Xrs): then it ends at once, as its user asked.
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("Signals cannot be heard on this JVM", e);
    }
  }
}
