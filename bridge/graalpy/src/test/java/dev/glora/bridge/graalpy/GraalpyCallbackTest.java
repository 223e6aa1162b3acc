package dev.glora.bridge.graalpy;

import dev.glora.bridge.CallbackContract;

class GraalpyCallbackTest extends CallbackContract {

  @Override
  protected String backend() {
    return "graalpy";
  }
}
