package dev.glora.bridge;

import dev.glora.bridge.TensorStorage.Direct;
import dev.glora.bridge.TensorStorage.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

  /** What one buffer of the JVM's direct memory holds, with room for alignment. */
  private static final long MAX_DIRECT_BYTES = Integer.MAX_VALUE - 2L * ALIGNMENT;

  /** What one view of a mapped file holds: whole elements and whole pages. */
  private static final long WINDOW_BYTES = 1L << 30;

  /** What addresses can tell, less some bits. */
  private static final long MAX_BYTES = 1L << 46;

  /** Where a scope's tensors are allocated. */
  public enum Placement {
    /** In this process's direct memory; those too large for it as {@link #SHARED}. */
    DIRECT,
    /** In files that other processes map. */
    SHARED
  }

  private final String name;
  private final TensorExports exports;
  private final Placement placement;
  private final String openedAt;
  private final List<Tensor> tensors = new ArrayList<>();

  /** The files of shared tensors, by number. */
  private final Map<Long, Path> files = new HashMap<>();

  private volatile boolean closed;

  private TensorScope(String name, TensorExports exports, Placement placement) {
    this.name = name;
    this.exports = exports;
    this.placement = placement;
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
    return open(name, ids -> Set.of(), Placement.DIRECT);
  }

  /**
   * Opens a scope for a backend; users call {@link PythonRuntime#scope} instead.
   *
   * @param name says in messages whose tensors these are
   * @param exports tells what Python still uses
   * @param placement where its tensors are allocated
   */
  public static TensorScope open(String name, TensorExports exports, Placement placement) {
    return new TensorScope(name, exports, placement);
  }

  /** Returns the name given at its opening. */
  public String name() {
    return name;
  }

  /**
   * Allocates a tensor of zeros, aligned to 64 bytes.
   *
   * <p>What is larger than one Java buffer, and every tensor for a Python in another process, lies
   * in a file in memory where the system has such a place ({@code /dev/shm}), else in the folder
   * for temporary files.
   *
   * @param tensorName says in messages what it is
   * @param dtype the element type
   * @param shape up to eight sizes, none negative; none at all for a scalar
   * @throws IllegalArgumentException if the shape is not usable
   * @throws OutOfDeviceMemoryException if there is no room for it
   */
  public Tensor allocate(String tensorName, DType dtype, long... shape) {
    requireOpen(tensorName);
    long bytes = bytes(tensorName, dtype, shape);
    if (bytes > MAX_DIRECT_BYTES || (bytes > 0 && placement == Placement.SHARED)) {
      return allocateShared(tensorName, bytes, dtype, shape);
    }
    int padded = (int) ((bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
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
    return add(tensorName, dtype, shape, memory.alignedSlice(ALIGNMENT).slice(0, (int) bytes));
  }

  private Tensor allocateShared(String tensorName, long bytes, DType dtype, long[] shape) {
    Path file = SharedMemory.create(tensorName, bytes);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      List<ByteBuffer> windows = map(channel, MapMode.READ_WRITE, 0, bytes);
      Tensor tensor = add(tensorName, dtype, shape, windows, new MappedFile(file, 0, bytes, true));
      files.put(tensor.id(), file);
      return tensor;
    } catch (IOException e) {
      SharedMemory.delete(file);
      throw new OutOfDeviceMemoryException(
          "The %d bytes of tensor \"%s\" in %s cannot be mapped: %s."
              .formatted(bytes, tensorName, file, e.getMessage()),
          e);
    }
  }

  private static List<ByteBuffer> map(FileChannel channel, MapMode mode, long offset, long bytes)
      throws IOException {
    List<ByteBuffer> windows = new ArrayList<>();
    for (long start = 0; start < bytes; start += WINDOW_BYTES) {
      windows.add(channel.map(mode, offset + start, Math.min(WINDOW_BYTES, bytes - start)));
    }
    return windows;
  }

  /**
   * Maps a part of a file as a source: Java sees it read-only, Python copy-on-write.
   *
   * <p>torch has no read-only tensors. What Python code writes into this one stays in Python's own
   * memory: neither the file nor Java sees it. The file must not be cut short while the scope is
   * open.
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
    long bytes = bytes(tensorName, dtype, shape);
    if (offset < 0 || offset % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          "Tensor \"%s\" cannot start at byte %d of %s: %s needs a multiple of %d."
              .formatted(tensorName, offset, file, dtype, dtype.bytes()));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (offset > size - bytes) {
        throw new IOException(
            ("The file %s is too short for tensor \"%s\": it has %d bytes and bytes %d to %d were"
                    + " expected; the file is cut or its header is wrong, so make it anew.")
                .formatted(file, tensorName, size, offset, offset + bytes));
      }
      if (bytes == 0) { // A mapping of no bytes does not exist on Linux.
        return add(tensorName, dtype, shape, ByteBuffer.allocateDirect(0).asReadOnlyBuffer());
      }
      TensorStorage storage = new MappedFile(file.toAbsolutePath(), offset, bytes, false);
      return add(tensorName, dtype, shape, map(channel, MapMode.READ_ONLY, offset, bytes), storage);
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
    files.entrySet().removeIf(file -> !held.contains(file.getKey()) && gone(file.getValue()));
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

  private static boolean gone(Path file) {
    SharedMemory.delete(file);
    return true;
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
    return add(tensorName, dtype, shape, List.of(memory), new Direct(memory));
  }

  private Tensor add(
      String tensorName,
      DType dtype,
      long[] shape,
      List<ByteBuffer> windows,
      TensorStorage storage) {
    Tensor tensor = new Tensor(this, tensorName, dtype, shape.clone(), windows, storage);
    tensors.add(tensor);
    return tensor;
  }

  private static long bytes(String tensorName, DType dtype, long[] shape) {
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
            "Tensor \"%s\" (%s %s) needs more than the %d bytes that one tensor may have."
                .formatted(tensorName, dtype, Arrays.toString(shape), MAX_BYTES));
      }
      bytes *= size;
    }
    return bytes;
  }
}
