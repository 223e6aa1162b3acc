package dev.glora.bridge.graalpy;

import java.io.OutputStream;
import org.graalvm.polyglot.Engine;
import org.graalvm.polyglot.SandboxPolicy;

/** The engine of all contexts: it holds the code of the interpreter and of the standard library. */
final class SharedEngine {

  /** The language of the engine. */
  static final String LANGUAGE = "python";

  private SharedEngine() {}

  /** Made at its first use, for that takes seconds. */
  private static final class Holder {
    static final Engine ENGINE = make();

    private static Engine make() {
      // Else each start on a stock JDK 17 warns of a library that only tools for debugging need.
      if (System.getProperty("polyglotimpl.AttachLibraryFailureAction") == null) {
        System.setProperty("polyglotimpl.AttachLibraryFailureAction", "ignore");
      }
      return Engine.newBuilder(LANGUAGE)
          .sandbox(SandboxPolicy.CONSTRAINED)
          // The version says which runtime it is; a stock JDK has no other.
          .option("engine.WarnInterpreterOnly", "false")
          .out(OutputStream.nullOutputStream())
          .err(OutputStream.nullOutputStream())
          .build();
    }
  }

  /** Returns the engine. */
  static Engine get() {
    return Holder.ENGINE;
  }

  /** Returns GraalPy's version and how it runs, like {@code 25.2.4, Interpreted}. */
  static String version() {
    return get().getVersion() + ", " + get().getImplementationName();
  }
}
