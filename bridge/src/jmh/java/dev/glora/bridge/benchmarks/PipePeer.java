package dev.glora.bridge.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A Python process that is spoken to through pipes, in binary frames; see {@code pipe_peer.py}. */
final class PipePeer implements Peer {

  private static final int CHUNK = 1 << 16;

  private final Process process;
  private final OutputStream out;
  private final InputStream in;
  private byte[] large;

  PipePeer() throws IOException {
    process = Settings.script("pipe_peer.py").start();
    out = process.getOutputStream();
    in = process.getInputStream();
    expect('r');
  }

  private void expect(char answer) throws IOException {
    int found = in.read();
    if (found != answer) {
      throw new IOException("The process answered " + found + ", expected " + answer + ".");
    }
  }

  @Override
  public void touch() throws IOException {
    out.write('t');
    out.flush();
    expect('t');
  }

  @Override
  public void prepareToShare() {
    large = new byte[Numbers.BYTES];
  }

  @Override
  public double share() throws IOException {
    ByteBuffer numbers = ByteBuffer.wrap(large).order(ByteOrder.nativeOrder());
    Numbers.fill(numbers.asFloatBuffer());
    out.write('a');
    out.write(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.nativeOrder())
            .putLong(Numbers.BYTES)
            .array());
    for (int done = 0; done < large.length; done += CHUNK) {
      out.write(large, done, CHUNK);
    }
    out.flush();
    for (int done = 0; done < large.length; ) {
      int count = in.read(large, done, Math.min(CHUNK, large.length - done));
      if (count < 0) {
        throw new EOFException("The process ended.");
      }
      done += count;
    }
    return Numbers.sum(numbers.asFloatBuffer());
  }

  @Override
  public void close() throws IOException {
    out.close();
    process.onExit().join();
  }
}
