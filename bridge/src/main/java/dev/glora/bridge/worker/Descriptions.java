package dev.glora.bridge.worker;

import dev.glora.bridge.PythonInfo;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What Python told of itself, on its way from the worker to its parent. */
final class Descriptions {

  private Descriptions() {}

  static List<String> tell(Optional<PythonInfo> python) {
    if (python.isEmpty()) {
      return List.of();
    }
    PythonInfo info = python.get();
    return Arrays.asList(
        info.executable().toString(),
        info.version(),
        info.prefix().toString(),
        info.basePrefix().toString(),
        info.libpython().toString(),
        info.jepDirectory().toString(),
        info.jepVersion(),
        info.numpyVersion().orElse(null),
        info.torchVersion().orElse(null));
  }

  static Optional<PythonInfo> python(List<?> told) {
    if (told.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new PythonInfo(
            path(told, 0),
            (String) told.get(1),
            path(told, 2),
            path(told, 3),
            path(told, 4),
            path(told, 5),
            (String) told.get(6),
            Optional.ofNullable((String) told.get(7)),
            Optional.ofNullable((String) told.get(8))));
  }

  private static Path path(List<?> told, int index) {
    return Path.of((String) told.get(index));
  }
}
