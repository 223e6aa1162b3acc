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
import java.util.List;
import java.util.function.IntFunction;

/** Writes small prepared sets as the Python runtime does. */
public final class TestSets {
  /** Greatest length of a row. */
  public static final int LENGTH = 6;

  private TestSets() {}

  /** Row r of a split has length 1 + (7·r mod LENGTH), ids 1000·r + position, label r mod 2. */
  public static Path write(Path folder, int train, int val, int test) throws IOException {
    return write(folder, head(2, null), train, val, test, TestSets::alternating);
  }

  /**
   * A set whose train split has these classes.
   *
   * @param labels each row's class
   */
  public static Path classes(Path folder, int classes, int[] labels) throws IOException {
    return write(
        folder,
        head(classes, null),
        labels.length,
        1,
        1,
        rows -> {
          ByteBuffer bytes = buffer(rows * 8);
          for (int row = 0; row < rows; row++) {
            bytes.putLong(labels[row]);
          }
          return new Labels("I64", bytes, List.of(rows));
        });
  }

  /**
   * A set of another target, whose train split has these values.
   *
   * @param target what set.json says of it
   * @param values each row's 0 and 1, or its number
   */
  public static Path values(Path folder, ObjectNode target, float[][] values) throws IOException {
    int width = values[0].length;
    return write(
        folder,
        head(width, target),
        values.length,
        1,
        1,
        rows -> {
          ByteBuffer bytes = buffer(rows * width * 4);
          for (int row = 0; row < rows; row++) {
            for (float value : values[row]) {
              bytes.putFloat(value);
            }
          }
          return new Labels("F32", bytes, List.of(rows, width));
        });
  }

  /** The labels of a split as its file has them. */
  private record Labels(String dtype, ByteBuffer bytes, List<Integer> shape) {}

  private static Labels alternating(int rows) {
    ByteBuffer bytes = buffer(rows * 8);
    for (int row = 0; row < rows; row++) {
      bytes.putLong(row % 2);
    }
    return new Labels("I64", bytes, List.of(rows));
  }

  private static ObjectNode head(int labels, ObjectNode target) {
    ObjectNode set = Json.object().put("format", 1).put("digest", "d".repeat(64));
    ArrayNode names = set.putArray("labels");
    if (labels == 2 && target == null) {
      names.add("negative").add("positive");
    } else {
      for (int i = 0; i < labels; i++) {
        names.add("label " + i);
      }
    }
    if (target != null) {
      set.set("target", target);
    }
    return set;
  }

  private static Path write(
      Path folder, ObjectNode set, int train, int val, int test, IntFunction<Labels> labels)
      throws IOException {
    Files.createDirectories(folder);
    ArrayNode columns = set.putArray("columns");
    column(columns, "input_ids", "i32");
    column(columns, "attention_mask", "u8");
    ObjectNode splits = set.putObject("splits");
    split(folder, splits, "train", train, labels);
    split(folder, splits, "val", val, labels);
    split(folder, splits, "test", test, labels);
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

  private static void split(
      Path folder, ObjectNode splits, String name, int rows, IntFunction<Labels> made)
      throws IOException {
    ObjectNode header = Json.object();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    Labels labels = made.apply(rows);
    ByteBuffer lengths = buffer(rows * 4);
    ByteBuffer ids = buffer(rows * LENGTH * 4);
    ByteBuffer mask = buffer(rows * LENGTH);
    for (int row = 0; row < rows; row++) {
      lengths.putInt(length(row));
      for (int i = 0; i < LENGTH; i++) {
        ids.putInt(i < length(row) ? 1000 * row + i : 0);
        mask.put((byte) (i < length(row) ? 1 : 0));
      }
    }
    add(
        header,
        data,
        "labels",
        labels.dtype(),
        bytes(labels.bytes()),
        labels.shape().stream().mapToInt(Integer::intValue).toArray());
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
