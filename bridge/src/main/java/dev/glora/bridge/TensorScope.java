package dev.glora.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Owns the memory of tensors, and gives it back as a whole.
 *
 * <p>A scope that is closed while Python still uses one of its tensors says which: the memory then
 * stays, so that nothing crashes, and {@link #close()} throws. Memory is returned to the system
 * once neither Python nor a view taken by {@link Tensor#buffer()} holds it. Scopes may be used from
 * any thread, by one at a time.
 */
public final class TensorScope implements AutoCloseable {

  /** The size from which on vector instructions never cross a cache line. */
  private static final int ALIGNMENT = 64;

  /** What one buffer holds, with room for alignment. */
  private static final long MAX_BYTES = Integer.MAX_VALUE - 2L * ALIGNMENT;

  private final String name;
  private final TensorExports exports;
  private final String openedAt;
  private final List<Tensor> tensors = new ArrayList<>();
  private volatile boolean closed;

  private TensorScope(String name, TensorExports exports) {
    this.name = name;
    this.exports = exports;
    this.openedAt =
        StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
            .walk(
                frames ->
                    frames
                        .filter(f -> isCaller(f.getDeclaringClass()))
                        .findFirst()
                        .map(f -> f.toStackTraceElement().toString())
                        .orElse("an unknown place"));
  }

  private static boolean isCaller(Class<?> type) {
    return type != TensorScope.class && !PythonRuntime.class.isAssignableFrom(type);
  }

  /**
   * Opens a scope whose tensors no Python runtime will see, for code and tests that only fill them.
   *
   * @param name says in messages whose tensors these are
   */
  public static TensorScope open(String name) {
    return open(name, ids -> Set.of());
  }

  /**
   * Opens a scope for a backend; users call {@link PythonRuntime#scope} instead.
   *
   * @param name says in messages whose tensors these are
   * @param exports tells what Python still uses
   */
  public static TensorScope open(String name, TensorExports exports) {
    return new TensorScope(name, exports);
  }

  /** Returns the name given at its opening. */
  public String name() {
    return name;
  }

  /**
   * Allocates a tensor of zeros, aligned to 64 bytes.
   *
   * @param tensorName says in messages what it is
   * @param dtype the element type
   * @param shape up to eight sizes, none negative; none at all for a scalar
   * @throws IllegalArgumentException if the shape is not usable or needs 2 GiB or more
   * @throws OutOfDeviceMemoryException if the JVM's direct memory is used up
   */
  public Tensor allocate(String tensorName, DType dtype, long... shape) {
    requireOpen(tensorName);
    int bytes = bytes(tensorName, dtype, shape);
    int padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer memory;
    try {
      memory = ByteBuffer.allocateDirect(padded + ALIGNMENT);
    } catch (OutOfMemoryError e) {
      throw new OutOfDeviceMemoryException(
          "There is no direct memory for the "
              + bytes
              + " bytes of tensor \""
              + tensorName
              + "\": close scopes that are done, or raise -XX:MaxDirectMemorySize.",
          e);
    }
    return add(tensorName, dtype, shape, memory.alignedSlice(ALIGNMENT).slice(0, bytes));
  }

  /**
   * Maps a part of a file as a tensor: reads come from the file, writes stay private to this
   * process.
   *
   * <p>torch has no read-only tensors, hence copy-on-write. The file is never written, yet this
   * process must have the right to: Java maps privately through a writable channel only. It must
   * not be cut short while the scope is open.
   *
   * @param tensorName says in messages what it is
   * @param file the file
   * @param offset where the first element starts, in bytes; a multiple of the element's size
   * @param dtype the element type
   * @param shape as for {@link #allocate}
   * @throws IOException if the file cannot be read, or is shorter than needed
   * @throws IllegalArgumentException if shape or offset is not usable
   */
  public Tensor mapPrivate(String tensorName, Path file, long offset, DType dtype, long... shape)
      throws IOException {
    requireOpen(tensorName);
    int bytes = bytes(tensorName, dtype, shape);
    if (offset < 0 || offset % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          "Tensor \"%s\" cannot start at byte %d of %s: %s needs a multiple of %d."
              .formatted(tensorName, offset, file, dtype, dtype.bytes()));
    }
    try (FileChannel channel = openToMap(tensorName, file)) {
      long size = channel.size();
      if (offset > size - bytes) {
        throw new IOException(
            ("The file %s is too short for tensor \"%s\": it has %d bytes and bytes %d to %d were"
                    + " expected; the file is cut or its header is wrong, so make it anew.")
                .formatted(file, tensorName, size, offset, offset + bytes));
      }
      // A mapping of no bytes does not exist on Linux.
      ByteBuffer memory =
          bytes == 0 ? ByteBuffer.allocateDirect(0) : channel.map(MapMode.PRIVATE, offset, bytes);
      return add(tensorName, dtype, shape, memory);
    }
  }

  /**
   * Gives the memory back.
   *
   * <p>Waits for the Python call that is running, since only the interpreter knows what it holds.
   * May be called again after it threw, once Python has let go.
   *
   * @throws IllegalStateException if Python still uses a tensor; its memory is kept
   */
  @Override
  public void close() {
    closed = true;
    if (tensors.isEmpty()) {
      return;
    }
    Set<Long> held = exports.stillExported(tensors.stream().map(Tensor::id).toList());
    tensors.removeIf(tensor -> !held.contains(tensor.id()));
    if (!tensors.isEmpty()) {
      throw new IllegalStateException(
          ("Scope \"%s\", opened at %s, was closed while Python still uses %s: the memory "
                  + "is kept; drop every reference in Python (results, attributes, closures), then "
                  + "close again.")
              .formatted(
                  name,
                  openedAt,
                  tensors.stream().map(Tensor::toString).collect(Collectors.joining(", "))));
    }
  }

  private static FileChannel openToMap(String tensorName, Path file) throws IOException {
    try {
      return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (AccessDeniedException e) {
      throw new IOException(
          ("The file %s cannot be mapped for tensor \"%s\": this process may not write it, "
                  + "which a private mapping needs although it never does; give it that right.")
              .formatted(file, tensorName),
          e);
    }
  }

  void requireOpen(String tensorName) {
    if (closed) {
      throw new IllegalStateException(
          ("Tensor \"%s\" belongs to scope \"%s\", opened at %s, which is closed: use "
                  + "tensors before their scope is closed.")
              .formatted(tensorName, name, openedAt));
    }
  }

  private Tensor add(String tensorName, DType dtype, long[] shape, ByteBuffer memory) {
    Tensor tensor =
        new Tensor(this, tensorName, dtype, shape.clone(), memory.order(ByteOrder.nativeOrder()));
    tensors.add(tensor);
    return tensor;
  }

  private static int bytes(String tensorName, DType dtype, long[] shape) {
    if (shape.length > Tensor.MAX_DIMENSIONS) {
      throw new IllegalArgumentException(
          "Tensor \"%s\" has %d dimensions %s and at most %d are possible: join some of them."
              .formatted(tensorName, shape.length, Arrays.toString(shape), Tensor.MAX_DIMENSIONS));
    }
    boolean empty = false;
    for (long size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException(
            "Tensor \"%s\" has a negative size in its shape %s: sizes start at 0."
                .formatted(tensorName, Arrays.toString(shape)));
      }
      empty |= size == 0;
    }
    long bytes = empty ? 0 : dtype.bytes();
    for (long size : shape) {
      // Stops before the product can overflow: either factor alone is already too large then.
      if (bytes > 0 && size > MAX_BYTES / bytes) {
        throw new IllegalArgumentException(
            ("Tensor \"%s\" (%s %s) needs more than the %d bytes that one Java buffer "
                    + "holds: split it along its first dimension.")
                .formatted(tensorName, dtype, Arrays.toString(shape), MAX_BYTES));
      }
      bytes *= size;
    }
    return (int) bytes;
  }
}
