package dev.glora.bridge.jep;

import dev.glora.bridge.InterruptContract;

class JepInterruptTest extends InterruptContract {

  @Override
  protected String backend() {
    return "jep";
  }
}
