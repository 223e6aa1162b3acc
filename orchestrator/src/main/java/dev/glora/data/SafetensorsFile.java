package dev.glora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.bridge.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A safetensors file: 8 bytes little-endian with the header's length, a JSON header, then the data.
 *
 * <p>Nothing in the header is believed: each tensor's place is checked against its shape and the
 * file's size before anything is mapped, so a cut or damaged file is one sentence and never a crash
 * on the first access.
 */
final class SafetensorsFile {
  private static final long LARGEST_HEADER = 100_000_000L;

  private record Entry(DType dtype, List<Long> shape, long begin, long end) {}

  private final Path file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private SafetensorsFile(Path file) {
    this.file = file;
  }

  /**
   * Reads and checks a file's header.
   *
   * @param file a safetensors file
   * @return the file, with no data mapped yet
   */
  static SafetensorsFile open(Path file) {
    SafetensorsFile result = new SafetensorsFile(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      result.readHeader(channel);
    } catch (IOException e) {
      throw GloraException.failed("The data file " + file + " cannot be read: " + e, e);
    }
    return result;
  }

  private void readHeader(FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw damaged("it has " + size + " bytes and a safetensors file has at least 8");
    }
    ByteBuffer prefix = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, prefix, 0);
    long length = prefix.getLong(0);
    if (length < 2 || length > size - 8 || length > LARGEST_HEADER) {
      throw damaged("its header claims " + length + " bytes of a file of " + size);
    }
    ByteBuffer header = ByteBuffer.allocate((int) length);
    readFully(channel, header, 8);
    JsonNode root;
    try {
      root = Json.MAPPER.readTree(header.array());
    } catch (JsonProcessingException e) {
      throw damaged("its header is no JSON (" + e.getOriginalMessage() + ")");
    }
    if (root == null || !root.isObject()) {
      throw damaged("its header is no JSON object");
    }
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (!field.getKey().equals("__metadata__")) {
        entries.put(field.getKey(), entry(field.getKey(), field.getValue(), 8 + length, size));
      }
    }
  }

  private Entry entry(String name, JsonNode node, long data, long size) {
    JsonNode offsets = node.path("data_offsets");
    JsonNode shapeNode = node.path("shape");
    if (!offsets.isArray()
        || offsets.size() != 2
        || !offsets.get(0).canConvertToExactIntegral()
        || !offsets.get(1).canConvertToExactIntegral()
        || !shapeNode.isArray()) {
      throw damaged("its entry " + name + " has no shape or no data_offsets");
    }
    DType dtype = dtype(name, node.path("dtype").asText());
    long begin = offsets.get(0).longValue();
    long end = offsets.get(1).longValue();
    if (begin < 0 || end < begin || end > size - data) {
      throw damaged(
          "its entry "
              + name
              + " lies at bytes "
              + begin
              + " to "
              + end
              + " of "
              + (size - data)
              + " bytes of data");
    }
    List<Long> shape = new ArrayList<>();
    long bytes = dtype.bytes();
    for (JsonNode axis : shapeNode) {
      long length = axis.canConvertToExactIntegral() ? axis.longValue() : -1;
      shape.add(length);
      long high = length < 0 ? -1 : Math.multiplyHigh(bytes, length);
      bytes = bytes * length;
      if (high != 0 || bytes < 0) {
        throw damaged("its entry " + name + " has the impossible shape " + shapeNode);
      }
    }
    if (bytes != end - begin) {
      throw damaged("its entry " + name + " needs " + bytes + " bytes and has " + (end - begin));
    }
    return new Entry(dtype, shape, data + begin, data + end);
  }

  private DType dtype(String name, String text) {
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(text.toUpperCase(Locale.ROOT))) {
        return dtype;
      }
    }
    throw damaged("its entry " + name + " has the unknown type \"" + text + "\"");
  }

  /**
   * Maps one tensor read-only.
   *
   * @param name its name
   * @param dtype the type it must have
   * @param shape the shape it must have
   * @return its bytes in native order, position 0
   */
  ByteBuffer map(String name, DType dtype, long... shape) {
    Entry entry = entry(name, dtype, shape);
    return map(name, entry.begin(), entry.end() - entry.begin());
  }

  /**
   * Maps a part of a tensor read-only.
   *
   * @param name its name
   * @param dtype the type it must have
   * @param from byte of the tensor where the part begins
   * @param bytes how many, less than 2 GiB
   * @param shape the shape that the whole tensor must have
   * @return the part's bytes in native order, position 0
   */
  ByteBuffer map(String name, DType dtype, long from, long bytes, long[] shape) {
    return map(name, entry(name, dtype, shape).begin() + from, bytes);
  }

  private Entry entry(String name, DType dtype, long[] shape) {
    Entry entry = entries.get(name);
    List<Long> wanted = Arrays.stream(shape).boxed().toList();
    if (entry == null) {
      throw damaged("it lacks " + name + " and holds " + entries.keySet());
    }
    if (entry.dtype() != dtype || !entry.shape().equals(wanted)) {
      throw damaged(
          String.format(
              Locale.ROOT,
              "its entry %s is %s %s and should be %s %s",
              name,
              entry.dtype(),
              entry.shape(),
              dtype,
              wanted));
    }
    return entry;
  }

  private ByteBuffer map(String name, long begin, long bytes) {
    if (bytes > Integer.MAX_VALUE) {
      throw GloraException.failed(
          "The column "
              + name
              + " of "
              + file
              + " has "
              + bytes
              + " bytes and one mapping holds at"
              + " most 2147483647: use fewer rows or a smaller max_length.");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel
          .map(FileChannel.MapMode.READ_ONLY, begin, bytes)
          .order(ByteOrder.nativeOrder());
    } catch (IOException e) {
      throw GloraException.failed("The data file " + file + " cannot be mapped: " + e, e);
    }
  }

  private GloraException damaged(String why) {
    return GloraException.failed(
        "The data file "
            + file
            + " is damaged: "
            + why
            + "; delete the folder "
            + file.toAbsolutePath().getParent()
            + " and run again, which prepares it anew.");
  }

  private void readFully(FileChannel channel, ByteBuffer target, long position) throws IOException {
    while (target.hasRemaining()) {
      int n = channel.read(target, position + target.position());
      if (n < 0) {
        throw damaged("it ends within its header");
      }
    }
  }
}
