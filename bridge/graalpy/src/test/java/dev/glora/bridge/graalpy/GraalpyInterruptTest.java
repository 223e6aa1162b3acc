package dev.glora.bridge.graalpy;

import dev.glora.bridge.InterruptContract;

class GraalpyInterruptTest extends InterruptContract {

  @Override
  protected String backend() {
    return "graalpy";
  }
}
