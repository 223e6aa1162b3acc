package dev.glora.bridge.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import py4j.ClientServer;

/** A Python process that is called through Py4J; see {@code py4j_peer.py}. */
final class Py4jPeer implements Peer {

  private final ClientServer server;
  private final Process process;
  private final Python python;
  private byte[] large;

  /** What Python implements. */
  public interface Python {

    /** Works on a bound tensor. */
    void touch();

    /**
     * Adds one to each float32.
     *
     * @param numbers in native order
     */
    byte[] addOne(byte[] numbers);
  }

  Py4jPeer() throws IOException {
    process = Settings.script("py4j_peer.py").start();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    int port = Integer.parseInt(lines.readLine());
    server = new ClientServer.ClientServerBuilder().javaPort(0).pythonPort(port).build();
    server.startServer();
    python = (Python) server.getPythonServerEntryPoint(new Class<?>[] {Python.class});
  }

  @Override
  public void touch() {
    python.touch();
  }

  @Override
  public void prepareToShare() {
    large = new byte[Numbers.BYTES];
  }

  @Override
  public double share() {
    Numbers.fill(ByteBuffer.wrap(large).order(ByteOrder.nativeOrder()).asFloatBuffer());
    byte[] result = python.addOne(large);
    return Numbers.sum(ByteBuffer.wrap(result).order(ByteOrder.nativeOrder()).asFloatBuffer());
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    server.shutdown();
    process.onExit().join();
  }
}
