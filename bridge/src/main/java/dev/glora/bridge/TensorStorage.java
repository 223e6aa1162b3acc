package dev.glora.bridge;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Where a tensor's bytes are; for backends, which make a Python tensor of it. */
public sealed interface TensorStorage {

  /** Returns the size in bytes. */
  long bytes();

  /**
   * Memory of this process.
   *
   * @param memory a direct buffer of exactly the tensor's bytes
   */
  record Direct(ByteBuffer memory) implements TensorStorage {

    @Override
    public long bytes() {
      return memory.capacity();
    }
  }

  /**
   * A part of a file, which any process can map.
   *
   * @param file the file
   * @param offset where the first element starts, in bytes
   * @param bytes the size in bytes
   * @param writable true where writes go to the file and are seen by all who map it; false for a
   *     source, which Python maps copy-on-write
   */
  record MappedFile(Path file, long offset, long bytes, boolean writable)
      implements TensorStorage {}
}
