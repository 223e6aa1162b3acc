package dev.glora.bridge.jep;

import dev.glora.bridge.TensorContract;

class JepTensorTest extends TensorContract {

  @Override
  protected String backend() {
    return "jep";
  }
}
