package dev.glora.store;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Who holds a lease: a worker of a process of a host.
 *
 * @param host the host's name
 * @param pid number of the process that writes to the store
 * @param began when it began, in the system's ticks since it was booted, so that a number that was
 *     given again is told from it; 0 where the system does not say
 * @param worker name of the worker in it
 */
public record Owner(String host, long pid, long began, String worker) {
  private static final String HOST = hostName();

  /**
   * A worker of this process.
   *
   * @param worker its name, without slashes
   * @return its owner
   */
  public static Owner here(String worker) {
    long pid = ProcessHandle.current().pid();
    return new Owner(HOST, pid, began(pid), worker);
  }

  /**
   * Reads the owner of a lease.
   *
   * @param text what {@link #toString} gave
   * @return the owner, or nothing where the text is of another kind
   */
  public static Optional<Owner> of(String text) {
    String[] parts = text.split("/", -1);
    if (parts.length != 4 || !(parts[1] + parts[2]).matches("\\d{2,30}")) {
      return Optional.empty();
    }
    return Optional.of(
        new Owner(parts[0], Long.parseLong(parts[1]), Long.parseLong(parts[2]), parts[3]));
  }

  /**
   * Whether the process is known to have ended.
   *
   * @return false where that cannot be told: on another host only its silence says something
   */
  public boolean gone() {
    if (!host.equals(HOST)) {
      return false;
    }
    boolean alive = ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    return !alive || began(pid) != began;
  }

  /** One word, as it stands in a lease. */
  @Override
  public String toString() {
    return host + "/" + pid + "/" + began + "/" + worker;
  }

  /** The 22nd field of Linux's {@code stat}; the second one may hold spaces and ends with ")". */
  private static long began(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19]);
    } catch (IOException | RuntimeException e) {
      return 0;
    }
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName().replace('/', '-');
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }
}
