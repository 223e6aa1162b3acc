package dev.glora.bridge.benchmarks;

import java.io.IOException;

/** A way for a Java program to call Python. */
interface Peer extends AutoCloseable {

  /** Opens a peer by its name in the results. */
  static Peer open(String name) throws Exception {
    return switch (name) {
      case "glora" -> new GloraPeer();
      case "jep" -> new JepPeer();
      case "py4j" -> new Py4jPeer();
      case "pipe" -> new PipePeer();
      default -> throw new IllegalArgumentException("There is no peer \"" + name + "\".");
    };
  }

  /** Has Python add one to a tensor of 256 elements that it holds, from the calling thread. */
  void touch() throws Exception;

  /** Allocates what {@link #share} needs. */
  void prepareToShare() throws Exception;

  /** Fills 64 MiB, has Python add one to all of it, and returns the sum. */
  double share() throws Exception;

  @Override
  void close() throws IOException;
}
