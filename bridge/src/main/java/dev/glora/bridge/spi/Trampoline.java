package dev.glora.bridge.spi;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The Python source that every interpreter of the bridge starts with. */
public final class Trampoline {

  /** The name of the trampoline in {@code sys.modules}. */
  public static final String MODULE = "_glora_bridge";

  private static final String FILE = "trampoline.py";

  private Trampoline() {}

  /** Returns the source. */
  public static String source() {
    return source(Trampoline.class, FILE);
  }

  /** Returns the name that its frames have in tracebacks; those of the bridge are left out. */
  public static String fileName() {
    return fileName(FILE);
  }

  /**
   * Reads the Python source of a backend, which runs in the same module.
   *
   * @param owner a class beside the file
   * @param file the resource's name
   */
  public static String source(Class<?> owner, String file) {
    try (InputStream in = owner.getResourceAsStream(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns the name under which a backend's Python source is compiled.
   *
   * @param file the resource's name
   */
  public static String fileName(String file) {
    return "<glora-bridge " + file + ">";
  }
}
