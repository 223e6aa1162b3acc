package dev.glora.bridge.jep;

import dev.glora.bridge.SoakContract;

class JepSoakTest extends SoakContract {
  @Override
  protected String backend() {
    return "jep";
  }
}
