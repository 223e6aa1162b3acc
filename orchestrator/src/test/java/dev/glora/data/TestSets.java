package dev.glora.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.files.FileDigest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes small prepared sets as the Python runtime does. */
public final class TestSets {
  /** Greatest length of a row. */
  public static final int LENGTH = 6;

  private TestSets() {}

  /** Row r of a split has length 1 + (7·r mod LENGTH), ids 1000·r + position, label r mod 2. */
  public static Path write(Path folder, int train, int val, int test) throws IOException {
    Files.createDirectories(folder);
    ObjectNode set = Json.object().put("format", 1).put("digest", "d".repeat(64));
    set.putArray("labels").add("negative").add("positive");
    ArrayNode columns = set.putArray("columns");
    column(columns, "input_ids", "i32");
    column(columns, "attention_mask", "u8");
    ObjectNode splits = set.putObject("splits");
    split(folder, splits, "train", train);
    split(folder, splits, "val", val);
    split(folder, splits, "test", test);
    Files.writeString(folder.resolve("set.json"), Json.text(set));
    return folder;
  }

  public static int length(int row) {
    return 1 + 7 * row % LENGTH;
  }

  private static void column(ArrayNode columns, String name, String dtype) {
    ObjectNode column = columns.addObject().put("name", name).put("dtype", dtype);
    column.putArray("row_shape").add(LENGTH);
    column.put("sequence", true);
  }

  private static void split(Path folder, ObjectNode splits, String name, int rows)
      throws IOException {
    ObjectNode header = Json.object();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    ByteBuffer labels = buffer(rows * 8);
    ByteBuffer lengths = buffer(rows * 4);
    ByteBuffer ids = buffer(rows * LENGTH * 4);
    ByteBuffer mask = buffer(rows * LENGTH);
    for (int row = 0; row < rows; row++) {
      labels.putLong(row % 2);
      lengths.putInt(length(row));
      for (int i = 0; i < LENGTH; i++) {
        ids.putInt(i < length(row) ? 1000 * row + i : 0);
        mask.put((byte) (i < length(row) ? 1 : 0));
      }
    }
    add(header, data, "labels", "I64", bytes(labels), rows);
    add(header, data, "lengths", "I32", bytes(lengths), rows);
    add(header, data, "input_ids", "I32", bytes(ids), rows, LENGTH);
    add(header, data, "attention_mask", "U8", bytes(mask), rows, LENGTH);
    Path file = folder.resolve(name + ".safetensors");
    Files.write(file, file(header, data.toByteArray()));
    splits
        .putObject(name)
        .put("file", name + ".safetensors")
        .put("rows", rows)
        .put("sha256", FileDigest.of(file));
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.capacity()];
    buffer.get(0, bytes);
    return bytes;
  }

  private static void add(
      ObjectNode header,
      ByteArrayOutputStream data,
      String name,
      String dtype,
      byte[] bytes,
      int... shape) {
    ObjectNode entry = header.putObject(name).put("dtype", dtype);
    ArrayNode shapeNode = entry.putArray("shape");
    for (int size : shape) {
      shapeNode.add(size);
    }
    entry.putArray("data_offsets").add(data.size()).add(data.size() + bytes.length);
    data.writeBytes(bytes);
  }

  /** A safetensors file of a header and data. */
  public static byte[] file(ObjectNode header, byte[] data) {
    byte[] text = Json.text(header).getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .put(data)
        .array();
  }
}
