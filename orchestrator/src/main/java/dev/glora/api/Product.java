package dev.glora.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The name and version of what runs. */
final class Product {
  private Product() {}

  /** The version that Maven wrote into the jar; classes that run from a folder have none. */
  static String version() {
    try (InputStream in =
        Product.class.getResourceAsStream(
            "/META-INF/maven/dev.glora/glora-orchestrator/pom.properties")) {
      if (in == null) {
        return "development";
      }
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "development");
    } catch (IOException e) {
      throw new UncheckedIOException("The jar's own properties cannot be read", e);
    }
  }
}
