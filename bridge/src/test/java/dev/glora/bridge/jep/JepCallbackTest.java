package dev.glora.bridge.jep;

import dev.glora.bridge.CallbackContract;

class JepCallbackTest extends CallbackContract {

  @Override
  protected String backend() {
    return "jep";
  }
}
