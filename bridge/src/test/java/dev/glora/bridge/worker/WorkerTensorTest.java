package dev.glora.bridge.worker;

import dev.glora.bridge.TensorContract;

class WorkerTensorTest extends TensorContract {

  @Override
  protected String backend() {
    return "worker";
  }
}
