package dev.glora.bridge.worker;

import dev.glora.bridge.CallbackContract;

class WorkerCallbackTest extends CallbackContract {

  @Override
  protected String backend() {
    return "worker";
  }
}
