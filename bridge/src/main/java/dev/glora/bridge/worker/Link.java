package dev.glora.bridge.worker;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Frames of JSON over a pair of pipes.
 *
 * <p>A frame is {@link #MAGIC}, the length of what follows in bytes (both 4 bytes, big-endian), and
 * a JSON array in UTF-8 whose first element names the {@link Verb}. Integers are longs; a number
 * with a point is a double, and the three that JSON has no word for are written {@code NaN}, {@code
 * Infinity} and {@code -Infinity}.
 *
 * <p>Frames may be sent from any thread and are read by one.
 */
final class Link {

  /** Tells a frame from what stray native code writes. */
  static final int MAGIC = 0x676c6f31;

  private static final int HEADER = 8;

  /** Room for a frame that is kept for the next one. */
  private static final int KEPT = 1 << 20;

  private static final Map<String, Verb> VERBS =
      Arrays.stream(Verb.values()).collect(Collectors.toMap(Verb::name, verb -> verb));

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
          .build();

  private final DataInputStream in;
  private final OutputStream out;

  /** What waits to be written; guarded by this. */
  private Buffer pending = new Buffer();

  Link(InputStream in, OutputStream out) {
    this.in = new DataInputStream(new BufferedInputStream(in, 1 << 16));
    this.out = out;
  }

  /** Replaces halves of surrogate pairs, which messages may hold and JSON does not. */
  static String printable(String message) {
    return new String(message.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }

  /** A verb and what belongs to it: null, Boolean, integers, Double, String, List or Object[]. */
  record Frame(Verb verb, List<?> parts) {

    static Frame of(Verb verb, Object... parts) {
      return new Frame(verb, Arrays.asList(parts));
    }

    String text(int index) {
      return (String) parts.get(index);
    }

    int number(int index) {
      return Math.toIntExact((Long) parts.get(index));
    }

    List<?> list(int index) {
      return (List<?>) parts.get(index);
    }
  }

  /** Writes frames, behind those that were deferred. */
  synchronized void send(Frame... frames) throws IOException {
    defer(frames);
    try {
      pending.writeTo(out);
      out.flush();
    } finally {
      pending.reset();
      if (pending.room() > KEPT) {
        pending = new Buffer();
      }
    }
  }

  /** Keeps frames until the next are sent, whole or not at all. */
  synchronized void defer(Frame... frames) throws IOException {
    int start = pending.size();
    try {
      for (Frame frame : frames) {
        encode(frame);
      }
    } catch (IOException | RuntimeException | Error e) {
      pending.cutTo(start);
      throw e;
    }
  }

  private void encode(Frame frame) throws IOException {
    int start = pending.size();
    pending.writeBytes(new byte[HEADER]);
    try (JsonGenerator json = JSON.createGenerator(pending)) {
      json.writeStartArray();
      json.writeString(frame.verb().name());
      for (Object part : frame.parts()) {
        write(json, part);
      }
      json.writeEndArray();
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("A value cannot cross: " + e.getOriginalMessage(), e);
    }
    pending.setHeader(start, pending.size() - start - HEADER);
  }

  private static void write(JsonGenerator json, Object value) throws IOException {
    if (value instanceof String text) {
      json.writeString(text);
    } else if (value instanceof Double || value instanceof Float) {
      json.writeNumber(((Number) value).doubleValue());
    } else if (value instanceof Number number) {
      json.writeNumber(number.longValue());
    } else if (value instanceof Boolean truth) {
      json.writeBoolean(truth);
    } else if (value == null) {
      json.writeNull();
    } else {
      json.writeStartArray();
      for (Object item : value instanceof Object[] array ? Arrays.asList(array) : (List<?>) value) {
        write(json, item);
      }
      json.writeEndArray();
    }
  }

  /**
   * Reads the next frame.
   *
   * @throws EOFException if the other side is gone
   * @throws IOException if what came is no frame
   */
  Frame read() throws IOException {
    int magic = in.readInt();
    int length = in.readInt();
    if (magic != MAGIC || length < 0) {
      throw new IOException("a frame was expected and %08x %08x came".formatted(magic, length));
    }
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException(
          "a frame was cut after %d of %d bytes".formatted(bytes.length, length));
    }
    try (JsonParser json = JSON.createParser(bytes)) {
      json.nextToken();
      if (read(json) instanceof List<?> list && !list.isEmpty() && json.nextToken() == null) {
        Verb verb = VERBS.get(list.get(0));
        if (verb != null) {
          return new Frame(verb, list.subList(1, list.size()));
        }
      }
    }
    throw new IOException("a frame of %d bytes has no verb".formatted(length));
  }

  /** Closes both pipes, as far as they are open. */
  void close() {
    try (in;
        out) {
      // Nothing but that.
    } catch (IOException e) {
      // The other side is gone.
    }
  }

  private static Object read(JsonParser json) throws IOException {
    JsonToken token = json.currentToken();
    if (token == null) {
      throw new IOException("a frame ended too early");
    }
    return switch (token) {
      case START_ARRAY -> {
        List<Object> items = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          items.add(read(json));
        }
        yield items;
      }
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT -> json.getLongValue();
      case VALUE_NUMBER_FLOAT -> json.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw new IOException("a frame holds " + token);
    };
  }

  /** Bytes whose headers are written after their bodies. */
  private static final class Buffer extends ByteArrayOutputStream {

    void setHeader(int at, int length) {
      ByteBuffer.wrap(buf).putInt(at, MAGIC).putInt(at + Integer.BYTES, length);
    }

    void cutTo(int size) {
      count = size;
    }

    int room() {
      return buf.length;
    }
  }
}
