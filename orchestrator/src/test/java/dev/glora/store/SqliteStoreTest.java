package dev.glora.store;

import org.junit.jupiter.api.Nested;

/** SQLite does what every store must. */
class SqliteStoreTest {
  @Nested
  class RunsAndResults extends RunStoreContract {
    @Override
    String url() {
      return "";
    }

    @Override
    String empty() {
      return "";
    }
  }

  @Nested
  class LeasesToo extends LeaseContract {
    @Override
    String url() {
      return "";
    }
  }
}
