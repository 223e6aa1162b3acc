package dev.glora.bridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A dense, row-major array in native memory that Java and Python share.
 *
 * <p>Made by a {@link TensorScope} and usable until that is closed. Handing it to Python copies
 * nothing, whatever its size and wherever Python runs. Java writes are seen by the Python call that
 * follows and the other way round; nothing orders accesses that overlap in time.
 *
 * <p>To Python every tensor is one {@code torch.Tensor}. A Java buffer holds less than 2 GiB, so a
 * larger tensor is seen through {@link #windows()}, one behind the other.
 */
public final class Tensor {

  /** The most dimensions a tensor may have. */
  public static final int MAX_DIMENSIONS = 8;

  private static final AtomicLong IDS = new AtomicLong();
  private static final TensorScope FOREIGN = TensorScope.open("another process");

  private final TensorScope scope;
  private final long id;
  private final String name;
  private final DType dtype;
  private final long[] shape;
  private final long bytes;
  private final List<ByteBuffer> windows;
  private final TensorStorage storage;

  Tensor(
      TensorScope scope,
      String name,
      DType dtype,
      long[] shape,
      List<ByteBuffer> windows,
      TensorStorage storage) {
    this(IDS.incrementAndGet(), scope, name, dtype, shape, windows, storage);
  }

  private Tensor(
      long id,
      TensorScope scope,
      String name,
      DType dtype,
      long[] shape,
      List<ByteBuffer> windows,
      TensorStorage storage) {
    this.id = id;
    this.scope = scope;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.windows = windows;
    this.storage = storage;
    this.bytes = storage.bytes();
  }

  /**
   * Describes a tensor that another process owns, for a backend that hands it to its Python; this
   * process has no view of its bytes.
   *
   * @param id the number that the owner gave it
   * @param name says in messages what it is
   * @param dtype the element type
   * @param shape its sizes
   * @param storage where the bytes are
   */
  public static Tensor foreign(
      long id, String name, DType dtype, long[] shape, TensorStorage storage) {
    return new Tensor(id, FOREIGN, name, dtype, shape.clone(), List.of(), storage);
  }

  /** Returns a number that no other tensor of this process has. */
  public long id() {
    return id;
  }

  /** Returns the name given at its making. */
  public String name() {
    return name;
  }

  /** Returns the element type. */
  public DType dtype() {
    return dtype;
  }

  /** Returns a copy of the shape; empty for a scalar. */
  public long[] shape() {
    return shape.clone();
  }

  /** Returns the number of elements: the product of the shape, 1 for a scalar. */
  public long elements() {
    return bytes / dtype.bytes();
  }

  /** Returns the size in bytes. */
  public long bytes() {
    return bytes;
  }

  /**
   * Returns the address of the first element in this process, where Python sees it too if it runs
   * here ({@link Capability#IN_PROCESS}) and the tensor is neither a mapped file nor larger than
   * one buffer.
   *
   * @throws IllegalStateException if the scope is closed
   */
  public long address() {
    return NativeAddress.of(firstWindow());
  }

  /**
   * Returns a view of exactly this tensor's bytes: native order, position 0; read-only for a mapped
   * source.
   *
   * @throws IllegalStateException if the scope is closed, or the tensor is larger than one buffer
   */
  public ByteBuffer buffer() {
    requireOpen();
    if (windows.size() > 1) {
      throw new IllegalStateException(
          this
              + " has "
              + bytes
              + " bytes and one Java buffer holds less than 2 GiB: take windows() instead.");
    }
    return view(firstWindow());
  }

  private ByteBuffer firstWindow() {
    requireOpen();
    if (windows.isEmpty()) {
      throw new IllegalStateException(this + " is another process's, which alone sees its bytes.");
    }
    return windows.get(0);
  }

  /**
   * Returns views of this tensor's bytes, one behind the other: each starts at position 0 in native
   * order, holds whole elements, and all but the last have the same size of at most 2 GiB.
   *
   * @throws IllegalStateException if the scope is closed
   */
  public List<ByteBuffer> windows() {
    requireOpen();
    return windows.stream().map(Tensor::view).toList();
  }

  /**
   * Returns where the bytes are; for backends.
   *
   * @throws IllegalStateException if the scope is closed
   */
  public TensorStorage storage() {
    requireOpen();
    return storage;
  }

  private static ByteBuffer view(ByteBuffer window) {
    return window.duplicate().order(ByteOrder.nativeOrder());
  }

  /**
   * Returns the elements of an {@link DType#F32} tensor.
   *
   * @throws IllegalStateException if it is of another type or the scope is closed
   */
  public FloatBuffer floats() {
    return buffer(DType.F32, "floats()").asFloatBuffer();
  }

  /**
   * Returns the elements of an {@link DType#F64} tensor.
   *
   * @throws IllegalStateException if it is of another type or the scope is closed
   */
  public DoubleBuffer doubles() {
    return buffer(DType.F64, "doubles()").asDoubleBuffer();
  }

  /**
   * Returns the elements of an {@link DType#I64} tensor.
   *
   * @throws IllegalStateException if it is of another type or the scope is closed
   */
  public LongBuffer longs() {
    return buffer(DType.I64, "longs()").asLongBuffer();
  }

  /**
   * Returns the elements of an {@link DType#I32} tensor.
   *
   * @throws IllegalStateException if it is of another type or the scope is closed
   */
  public IntBuffer ints() {
    return buffer(DType.I32, "ints()").asIntBuffer();
  }

  /**
   * Returns the elements of a tensor of 16-bit numbers: {@link DType#I16}, or the bits of {@link
   * DType#F16} and {@link DType#BF16}, which {@link HalfPrecision} converts.
   *
   * @throws IllegalStateException if it is of another type or the scope is closed
   */
  public ShortBuffer shorts() {
    if (dtype == DType.F16 || dtype == DType.BF16) {
      return buffer().asShortBuffer();
    }
    return buffer(DType.I16, "shorts()").asShortBuffer();
  }

  private ByteBuffer buffer(DType wanted, String method) {
    if (dtype != wanted) {
      throw new IllegalStateException(
          this + " has no " + method + ", which needs " + wanted + ": take buffer() instead.");
    }
    return buffer();
  }

  private void requireOpen() {
    scope.requireOpen(name);
  }

  /** Returns name, type and shape. */
  @Override
  public String toString() {
    return "tensor \"" + name + "\" (" + dtype + " " + Arrays.toString(shape) + ")";
  }
}
