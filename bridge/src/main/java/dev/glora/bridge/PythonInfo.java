package dev.glora.bridge;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What a Python executable said about itself.
 *
 * @param executable the executable that was asked
 * @param version the language version, like {@code 3.11.7}
 * @param prefix {@code sys.prefix}, the virtual environment's folder if it is one
 * @param basePrefix {@code sys.base_prefix}, the installation below it
 * @param libpython the shared library of the interpreter
 * @param jepDirectory the folder of the installed package {@code jep}, which holds its native part
 * @param jepVersion the version of that package
 * @param numpyVersion the installed NumPy's version, empty where it is not installed
 * @param torchVersion the installed PyTorch's version, empty where it is not installed
 */
public record PythonInfo(
    Path executable,
    String version,
    Path prefix,
    Path basePrefix,
    Path libpython,
    Path jepDirectory,
    String jepVersion,
    Optional<String> numpyVersion,
    Optional<String> torchVersion) {

  /** Returns the native part of the package {@code jep}. */
  public Path jepLibrary() {
    return jepDirectory.resolve(PythonProbe.nativeName());
  }
}
