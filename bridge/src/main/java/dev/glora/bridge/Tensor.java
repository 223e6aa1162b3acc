package dev.glora.bridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A dense, row-major array in native memory that Java and Python see at the same address.
 *
 * <p>Made by a {@link TensorScope} and usable until that is closed. Handing it to Python copies
 * nothing, whatever its size. Java writes are seen by the Python call that follows and the other
 * way round; nothing orders accesses that overlap in time.
 */
public final class Tensor {

  /** The most dimensions a tensor may have. */
  public static final int MAX_DIMENSIONS = 8;

  private static final AtomicLong IDS = new AtomicLong();

  private final TensorScope scope;
  private final long id = IDS.incrementAndGet();
  private final String name;
  private final DType dtype;
  private final long[] shape;
  private final ByteBuffer memory;

  Tensor(TensorScope scope, String name, DType dtype, long[] shape, ByteBuffer memory) {
    this.scope = scope;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.memory = memory;
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
    return memory.capacity() / dtype.bytes();
  }

  /** Returns the size in bytes. */
  public long bytes() {
    return memory.capacity();
  }

  /**
   * Returns the address of the first element.
   *
   * @throws IllegalStateException if the scope is closed
   */
  public long address() {
    return NativeAddress.of(open());
  }

  /**
   * Returns a view of exactly this tensor's bytes: native order, position 0.
   *
   * @throws IllegalStateException if the scope is closed
   */
  public ByteBuffer buffer() {
    return open().duplicate().order(ByteOrder.nativeOrder());
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

  private ByteBuffer buffer(DType wanted, String method) {
    if (dtype != wanted) {
      throw new IllegalStateException(
          this + " has no " + method + ", which needs " + wanted + ": take buffer() instead.");
    }
    return buffer();
  }

  private ByteBuffer open() {
    scope.requireOpen(name);
    return memory;
  }

  /** Returns name, type and shape. */
  @Override
  public String toString() {
    return "tensor \"" + name + "\" (" + dtype + " " + Arrays.toString(shape) + ")";
  }
}
