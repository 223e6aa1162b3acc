package dev.glora.store;

import dev.glora.GloraException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Where a PostgreSQL store is. Its text holds no password.
 *
 * @param jdbc address as the driver takes it
 * @param user who connects; nothing leaves it to the driver ({@code PGUSER}, the system's user)
 * @param password of the user; nothing leaves it to the driver ({@code PGPASSWORD}, {@code
 *     ~/.pgpass})
 * @param shown how messages name it
 */
record PostgresAddress(
    String jdbc, Optional<String> user, Optional<String> password, String shown) {

  /**
   * Reads a URL.
   *
   * @param url {@code postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE[?OPTION=VALUE&…]}
   * @throws GloraException for any other text
   */
  static PostgresAddress of(String url) {
    URI uri;
    try {
      uri = new URI(url);
    } catch (URISyntaxException e) {
      throw wrong();
    }
    String path = uri.getRawPath();
    boolean known = "postgresql".equals(uri.getScheme()) || "postgres".equals(uri.getScheme());
    if (!known || uri.getHost() == null || path == null || path.length() < 2) {
      throw wrong();
    }
    String place = uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort()) + path;
    String options = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    String info = uri.getRawUserInfo();
    int colon = info == null ? -1 : info.indexOf(':');
    return new PostgresAddress(
        "jdbc:postgresql://" + place + options,
        or(info == null ? null : decode(colon < 0 ? info : info.substring(0, colon)), "PGUSER"),
        or(colon < 0 ? null : decode(info.substring(colon + 1)), "PGPASSWORD"),
        "postgresql://" + place);
  }

  private static Optional<String> or(String given, String variable) {
    return Optional.ofNullable(given != null ? given : System.getenv(variable));
  }

  private static String decode(String text) {
    // A plus is a plus in this part of a URL.
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  /** The text is not repeated: what is wrong with it may be a password. */
  private static GloraException wrong() {
    return GloraException.usage(
        "The store's URL cannot be read, expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            + " with signs such as @ and / in the password written as %40 and %2F; correct --store"
            + " or GLORA_STORE, or leave it out for SQLite in the folder of the runs.");
  }

  @Override
  public String toString() {
    return shown;
  }
}
