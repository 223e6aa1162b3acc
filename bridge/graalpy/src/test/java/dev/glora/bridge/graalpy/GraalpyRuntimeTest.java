package dev.glora.bridge.graalpy;

import dev.glora.bridge.PythonRuntimeContract;

class GraalpyRuntimeTest extends PythonRuntimeContract {

  @Override
  protected String backend() {
    return "graalpy";
  }
}
