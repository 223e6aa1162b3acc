package dev.glora.bridge;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * The address of a direct buffer's first byte.
 *
 * <p>From JDK 22 on {@code MemorySegment} tells it. Before that no public API does, and the field
 * {@code Buffer.address} is read by {@code sun.misc.Unsafe}, which every JDK of that age still
 * gives. Both are reached by reflection, since this library is compiled for 17.
 */
final class NativeAddress {

  private static final MethodHandle ADDRESS = find();

  private NativeAddress() {}

  static long of(ByteBuffer direct) {
    try {
      return (long) ADDRESS.invokeExact((Buffer) direct);
    } catch (Throwable e) {
      throw new LinkageError("This JDK does not tell the address of a direct buffer.", e);
    }
  }

  private static MethodHandle find() {
    try {
      return Runtime.version().feature() >= 22 ? fromSegment() : fromField();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("This JDK does not tell the address of a direct buffer.", e);
    }
  }

  private static MethodHandle fromSegment() throws ReflectiveOperationException {
    Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
    MethodHandle ofBuffer =
        lookup.findStatic(segment, "ofBuffer", MethodType.methodType(segment, Buffer.class));
    MethodHandle address =
        lookup.findVirtual(segment, "address", MethodType.methodType(long.class));
    return MethodHandles.filterReturnValue(ofBuffer, address);
  }

  private static MethodHandle fromField() throws ReflectiveOperationException {
    Class<?> type = Class.forName("sun.misc.Unsafe");
    Field instance = type.getDeclaredField("theUnsafe");
    instance.setAccessible(true);
    Object unsafe = instance.get(null);
    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
    MethodHandle offset =
        lookup.findVirtual(
            type, "objectFieldOffset", MethodType.methodType(long.class, Field.class));
    MethodHandle getLong =
        lookup.findVirtual(
            type, "getLong", MethodType.methodType(long.class, Object.class, long.class));
    long address;
    try {
      address = (long) offset.invoke(unsafe, Buffer.class.getDeclaredField("address"));
    } catch (ReflectiveOperationException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new LinkageError("Unsafe.objectFieldOffset failed", e);
    }
    return MethodHandles.insertArguments(getLong.bindTo(unsafe), 1, address)
        .asType(MethodType.methodType(long.class, Buffer.class));
  }
}
