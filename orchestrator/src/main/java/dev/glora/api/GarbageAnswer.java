package dev.glora.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.store.Garbage;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What a clean-up found or removed. */
final class GarbageAnswer {
  private GarbageAnswer() {}

  static Answer of(Garbage garbage, boolean checkpoints, boolean delete) {
    List<Garbage.Item> found = garbage.find(checkpoints);
    List<Garbage.Item> items = delete ? garbage.remove(found) : found;
    long bytes = items.stream().mapToLong(Garbage.Item::bytes).sum();
    List<Path> unknown = garbage.unknown();
    ObjectNode json = Json.object().put("deleted", delete).put("bytes", bytes);
    var list = json.putArray("items");
    StringBuilder text = new StringBuilder();
    for (Garbage.Item item : items) {
      list.addObject()
          .put("kind", item.kind())
          .put("path", item.path().toString())
          .put("bytes", item.bytes());
      text.append(item.kind() + " " + item.path() + " " + size(item.bytes()) + "\n");
    }
    var others = json.putArray("unknown");
    for (Path folder : unknown) {
      others.add(folder.toString());
      text.append("left alone, since the store knows no such run: " + folder + "\n");
    }
    text.append(
        items.isEmpty()
            ? "There is nothing to remove.\n"
            : (delete ? "Removed " : "Would remove ")
                + items.size()
                + " of together "
                + size(bytes)
                + (delete ? ".\n" : "; glora gc --delete does it.\n"));
    return Answer.of(json, text.toString());
  }

  private static String size(long bytes) {
    return bytes < 1 << 20
        ? String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0)
        : String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }
}
