package dev.glora.bridge.worker;

import dev.glora.bridge.InterruptContract;

class WorkerInterruptTest extends InterruptContract {

  @Override
  protected String backend() {
    return "worker";
  }
}
